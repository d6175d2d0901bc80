CREATE TABLE effect (
    tenant_id UUID DEFAULT nullif(current_setting('app.current_tenant', true), '')::uuid NOT NULL,
    key TEXT NOT NULL,
    name TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_effect PRIMARY KEY (tenant_id, key)
);

CREATE TABLE idempotency_key (
    tenant_id UUID DEFAULT nullif(current_setting('app.current_tenant', true), '')::uuid NOT NULL,
    key TEXT NOT NULL,
    route TEXT NOT NULL,
    actor_id UUID,
    body_hash TEXT NOT NULL,
    status INTEGER,
    answer JSONB,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_idempotency_key PRIMARY KEY (tenant_id, key, route)
);

CREATE INDEX ix_idempotency_key_created_at ON idempotency_key (tenant_id, created_at);

CREATE TABLE mark (
    tenant_id UUID DEFAULT nullif(current_setting('app.current_tenant', true), '')::uuid NOT NULL,
    row_key UUID NOT NULL,
    date DATE NOT NULL,
    mark_id TEXT NOT NULL,
    student_id UUID NOT NULL,
    school_id UUID NOT NULL,
    session TEXT NOT NULL,
    code TEXT NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    register TEXT DEFAULT '' NOT NULL,
    deleted BOOLEAN DEFAULT false NOT NULL,
    minutes_missed SMALLINT,
    reason_code TEXT,
    source TEXT,
    recorded_by TEXT,
    recorded_by_title TEXT,
    amend_reason TEXT,
    ingest_seq BIGINT NOT NULL,
    import_id UUID,
    source_ref TEXT,
    CONSTRAINT pk_mark PRIMARY KEY (tenant_id, row_key, date),
    CONSTRAINT ck_mark_session CHECK (session in ('AM', 'PM', 'DAY'))
)
 PARTITION BY RANGE (date);

CREATE INDEX ix_mark_ingest_seq ON mark USING brin (ingest_seq);

CREATE INDEX ix_mark_student ON mark (tenant_id, student_id, school_id, date);

CREATE TABLE session_fact (
    tenant_id UUID DEFAULT nullif(current_setting('app.current_tenant', true), '')::uuid NOT NULL,
    student_id UUID NOT NULL,
    school_id UUID NOT NULL,
    date DATE NOT NULL,
    session TEXT NOT NULL,
    known_from TIMESTAMP WITH TIME ZONE NOT NULL,
    known_to TIMESTAMP WITH TIME ZONE DEFAULT 'infinity' NOT NULL,
    status TEXT NOT NULL,
    code TEXT NOT NULL,
    tardy BOOLEAN DEFAULT false NOT NULL,
    minutes_missed SMALLINT DEFAULT 0 NOT NULL,
    reason_code TEXT,
    CONSTRAINT pk_session_fact PRIMARY KEY (tenant_id, student_id, school_id, date, session, known_from),
    CONSTRAINT ck_session_fact_session CHECK (session in ('AM', 'PM')),
    CONSTRAINT ck_session_fact_status CHECK (status in ('PRESENT', 'LATE', 'AUTHORISED_ABSENT', 'UNAUTHORISED_ABSENT', 'ABSENT', 'NOT_POSSIBLE', 'NO_MARK', 'UNKNOWN')),
    CONSTRAINT ck_session_fact_known CHECK (known_from < known_to)
)
 PARTITION BY RANGE (date);

CREATE INDEX ix_session_fact_school_id_date ON session_fact (tenant_id, school_id, date);

CREATE TABLE stale_attendance (
    tenant_id UUID DEFAULT nullif(current_setting('app.current_tenant', true), '')::uuid NOT NULL,
    student_id UUID NOT NULL,
    school_id UUID NOT NULL,
    from_date DATE NOT NULL,
    to_date DATE NOT NULL,
    CONSTRAINT pk_stale_attendance PRIMARY KEY (tenant_id, student_id, school_id)
);

CREATE TABLE summary (
    tenant_id UUID DEFAULT nullif(current_setting('app.current_tenant', true), '')::uuid NOT NULL,
    student_id UUID NOT NULL,
    school_id UUID NOT NULL,
    date DATE NOT NULL,
    am_status TEXT,
    pm_status TEXT,
    am_code TEXT,
    pm_code TEXT,
    am_reason_code TEXT,
    pm_reason_code TEXT,
    attended_ytd INTEGER NOT NULL,
    possible_ytd INTEGER NOT NULL,
    attendance_percent NUMERIC(5, 2),
    consecutive_absence_days INTEGER NOT NULL,
    total_absence_half_days_ytd INTEGER NOT NULL,
    computed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_summary PRIMARY KEY (tenant_id, student_id, school_id, date)
)
 PARTITION BY RANGE (date);

CREATE INDEX ix_summary_school_id_date ON summary (tenant_id, school_id, date);

CREATE TABLE tenant (
    id UUID DEFAULT uuidv7() NOT NULL,
    key TEXT NOT NULL,
    name TEXT NOT NULL,
    country TEXT,
    timezone TEXT DEFAULT 'Europe/London' NOT NULL,
    status TEXT DEFAULT 'ACTIVE' NOT NULL,
    settings JSONB DEFAULT '{}'::jsonb NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_tenant PRIMARY KEY (id),
    CONSTRAINT ck_tenant_status CHECK (status in ('ACTIVE', 'SUSPENDED')),
    CONSTRAINT uq_tenant_key UNIQUE (key)
);

CREATE TABLE audit_detail (
    id UUID DEFAULT uuidv7() NOT NULL,
    tenant_id UUID DEFAULT nullif(current_setting('app.current_tenant', true), '')::uuid NOT NULL,
    student_id UUID,
    key_id UUID,
    ciphertext BYTEA NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_audit_detail PRIMARY KEY (id),
    CONSTRAINT fk_audit_detail_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenant (id)
);

CREATE TABLE code_map (
    tenant_id UUID DEFAULT nullif(current_setting('app.current_tenant', true), '')::uuid NOT NULL,
    code_set TEXT NOT NULL,
    code TEXT NOT NULL,
    status TEXT NOT NULL,
    is_tardy BOOLEAN DEFAULT false NOT NULL,
    CONSTRAINT pk_code_map PRIMARY KEY (tenant_id, code_set, code),
    CONSTRAINT ck_code_map_status CHECK (status in ('PRESENT', 'LATE', 'AUTHORISED_ABSENT', 'UNAUTHORISED_ABSENT', 'ABSENT', 'NOT_POSSIBLE', 'NO_MARK', 'UNKNOWN')),
    CONSTRAINT fk_code_map_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenant (id)
);

CREATE TABLE feed_source (
    id UUID DEFAULT uuidv7() NOT NULL,
    tenant_id UUID DEFAULT nullif(current_setting('app.current_tenant', true), '')::uuid NOT NULL,
    key TEXT NOT NULL,
    kind TEXT NOT NULL,
    declaration JSONB NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_feed_source PRIMARY KEY (id),
    CONSTRAINT uq_feed_source_tenant_id_key UNIQUE (tenant_id, key),
    CONSTRAINT fk_feed_source_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenant (id)
);

CREATE TABLE guardian (
    id UUID DEFAULT uuidv7() NOT NULL,
    tenant_id UUID DEFAULT nullif(current_setting('app.current_tenant', true), '')::uuid NOT NULL,
    source_id TEXT NOT NULL,
    name TEXT NOT NULL,
    language TEXT,
    preferred_channel TEXT,
    email TEXT,
    phone TEXT,
    address TEXT,
    opted_out_channels JSONB DEFAULT '[]'::jsonb NOT NULL,
    access_needs JSONB DEFAULT '[]'::jsonb NOT NULL,
    unreachable BOOLEAN DEFAULT false NOT NULL,
    timezone TEXT,
    quiet_from TIME WITHOUT TIME ZONE,
    quiet_to TIME WITHOUT TIME ZONE,
    deceased_on DATE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_guardian PRIMARY KEY (id),
    CONSTRAINT uq_guardian_tenant_id_source_id UNIQUE (tenant_id, source_id),
    CONSTRAINT fk_guardian_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenant (id)
);

CREATE TABLE outbox (
    id UUID DEFAULT uuidv7() NOT NULL,
    tenant_id UUID DEFAULT nullif(current_setting('app.current_tenant', true), '')::uuid NOT NULL,
    seq BIGINT GENERATED ALWAYS AS IDENTITY,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    payload JSONB NOT NULL,
    status TEXT DEFAULT 'PENDING' NOT NULL,
    position BIGINT,
    attempts INTEGER DEFAULT 0 NOT NULL,
    last_error TEXT,
    next_attempt_at TIMESTAMP WITH TIME ZONE,
    delivered_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_outbox PRIMARY KEY (id),
    CONSTRAINT ck_outbox_status CHECK (status in ('PENDING', 'DELIVERED', 'REJECTED')),
    CONSTRAINT uq_outbox_tenant_id_position UNIQUE (tenant_id, position),
    CONSTRAINT fk_outbox_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenant (id)
);

CREATE INDEX ix_outbox_pending ON outbox (tenant_id, seq) WHERE status = 'PENDING';

CREATE TABLE outbox_head (
    tenant_id UUID NOT NULL,
    position BIGINT DEFAULT 0 NOT NULL,
    CONSTRAINT pk_outbox_head PRIMARY KEY (tenant_id),
    CONSTRAINT fk_outbox_head_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenant (id)
);

CREATE TABLE person (
    id UUID DEFAULT uuidv7() NOT NULL,
    tenant_id UUID DEFAULT nullif(current_setting('app.current_tenant', true), '')::uuid NOT NULL,
    subject TEXT NOT NULL,
    display_name TEXT NOT NULL,
    title TEXT,
    email TEXT,
    phone TEXT,
    active BOOLEAN DEFAULT true NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_person PRIMARY KEY (id),
    CONSTRAINT uq_person_tenant_id_subject UNIQUE (tenant_id, subject),
    CONSTRAINT fk_person_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenant (id)
);

CREATE TABLE rule_set (
    id UUID DEFAULT uuidv7() NOT NULL,
    tenant_id UUID DEFAULT nullif(current_setting('app.current_tenant', true), '')::uuid NOT NULL,
    key TEXT NOT NULL,
    title TEXT NOT NULL,
    jurisdiction TEXT,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_rule_set PRIMARY KEY (id),
    CONSTRAINT uq_rule_set_tenant_id_key UNIQUE (tenant_id, key),
    CONSTRAINT fk_rule_set_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenant (id)
);

CREATE TABLE school (
    id UUID DEFAULT uuidv7() NOT NULL,
    tenant_id UUID DEFAULT nullif(current_setting('app.current_tenant', true), '')::uuid NOT NULL,
    source_id TEXT NOT NULL,
    name TEXT NOT NULL,
    phase TEXT,
    timezone TEXT DEFAULT 'Europe/London' NOT NULL,
    code_set TEXT NOT NULL,
    missing_mark_policy TEXT DEFAULT 'EXCLUDE' NOT NULL,
    sessions_per_day SMALLINT DEFAULT 2 NOT NULL,
    year_start TEXT DEFAULT '08-01' NOT NULL,
    day_basis TEXT DEFAULT 'SESSIONS' NOT NULL,
    evaluate_after TIME WITHOUT TIME ZONE DEFAULT '18:00' NOT NULL,
    register_share SMALLINT DEFAULT 80 NOT NULL,
    summarised_through DATE,
    settings JSONB DEFAULT '{}'::jsonb NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_school PRIMARY KEY (id),
    CONSTRAINT uq_school_tenant_id_source_id UNIQUE (tenant_id, source_id),
    CONSTRAINT ck_school_missing_mark_policy CHECK (missing_mark_policy in ('EXCLUDE', 'PRESENT')),
    CONSTRAINT ck_school_day_basis CHECK (day_basis in ('SESSIONS', 'DAYS_50PCT')),
    CONSTRAINT ck_school_sessions_per_day CHECK (sessions_per_day in (1, 2)),
    CONSTRAINT ck_school_year_start CHECK (year_start ~ '^[0-1][0-9]-[0-3][0-9]$'),
    CONSTRAINT fk_school_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenant (id)
);

CREATE TABLE student_merge (
    id UUID DEFAULT uuidv7() NOT NULL,
    tenant_id UUID DEFAULT nullif(current_setting('app.current_tenant', true), '')::uuid NOT NULL,
    old_source_id TEXT NOT NULL,
    new_source_id TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_student_merge PRIMARY KEY (id),
    CONSTRAINT uq_student_merge_tenant_id_old_source_id UNIQUE (tenant_id, old_source_id),
    CONSTRAINT fk_student_merge_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenant (id)
);

CREATE TABLE audit_entry (
    id UUID DEFAULT uuidv7() NOT NULL,
    tenant_id UUID DEFAULT nullif(current_setting('app.current_tenant', true), '')::uuid NOT NULL,
    seq BIGINT GENERATED ALWAYS AS IDENTITY,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    actor_id UUID,
    actor_role TEXT NOT NULL,
    actor_display TEXT NOT NULL,
    source TEXT NOT NULL,
    request_id TEXT NOT NULL,
    verb TEXT NOT NULL,
    subject_kind TEXT NOT NULL,
    subject_id UUID,
    student_id UUID,
    reason TEXT,
    fields JSONB DEFAULT '{}'::jsonb NOT NULL,
    salt BYTEA,
    detail_id UUID,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_audit_entry PRIMARY KEY (id),
    CONSTRAINT fk_audit_entry_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenant (id),
    CONSTRAINT fk_audit_entry_detail_id FOREIGN KEY(detail_id) REFERENCES audit_detail (id)
);

CREATE INDEX ix_audit_entry_seq ON audit_entry (tenant_id, seq);

CREATE INDEX ix_audit_entry_student ON audit_entry (tenant_id, student_id, at);

CREATE INDEX ix_audit_entry_subject ON audit_entry (tenant_id, subject_kind, subject_id);

CREATE TABLE breaker (
    id UUID DEFAULT uuidv7() NOT NULL,
    tenant_id UUID DEFAULT nullif(current_setting('app.current_tenant', true), '')::uuid NOT NULL,
    kind TEXT NOT NULL,
    school_id UUID,
    date DATE,
    stage_key TEXT,
    status TEXT DEFAULT 'OPEN' NOT NULL,
    facts JSONB DEFAULT '{}'::jsonb NOT NULL,
    released_by UUID,
    released_at TIMESTAMP WITH TIME ZONE,
    release_reason TEXT,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_breaker PRIMARY KEY (id),
    CONSTRAINT ck_breaker_kind CHECK (kind in ('SUSPECT_DAY', 'BATCH', 'CAP')),
    CONSTRAINT ck_breaker_status CHECK (status in ('OPEN', 'RELEASED')),
    CONSTRAINT uq_breaker_tenant_id_kind_school_id_date_stage_key UNIQUE NULLS NOT DISTINCT (tenant_id, kind, school_id, date, stage_key),
    CONSTRAINT fk_breaker_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenant (id),
    CONSTRAINT fk_breaker_school_id FOREIGN KEY(school_id) REFERENCES school (id),
    CONSTRAINT fk_breaker_released_by FOREIGN KEY(released_by) REFERENCES person (id)
);

CREATE TABLE calendar_session (
    tenant_id UUID DEFAULT nullif(current_setting('app.current_tenant', true), '')::uuid NOT NULL,
    school_id UUID NOT NULL,
    date DATE NOT NULL,
    session TEXT NOT NULL,
    minutes SMALLINT DEFAULT 180 NOT NULL,
    CONSTRAINT pk_calendar_session PRIMARY KEY (school_id, date, session),
    CONSTRAINT ck_calendar_session_session CHECK (session in ('AM', 'PM')),
    CONSTRAINT fk_calendar_session_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenant (id),
    CONSTRAINT fk_calendar_session_school_id FOREIGN KEY(school_id) REFERENCES school (id)
);

CREATE TABLE contact_stop (
    id UUID DEFAULT uuidv7() NOT NULL,
    tenant_id UUID DEFAULT nullif(current_setting('app.current_tenant', true), '')::uuid NOT NULL,
    subject_kind TEXT NOT NULL,
    subject_id UUID NOT NULL,
    reason_code TEXT NOT NULL,
    note TEXT,
    permanent BOOLEAN DEFAULT false NOT NULL,
    set_by UUID,
    set_at TIMESTAMP WITH TIME ZONE NOT NULL,
    lifted_by UUID,
    lifted_at TIMESTAMP WITH TIME ZONE,
    lift_reason TEXT,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_contact_stop PRIMARY KEY (id),
    CONSTRAINT ck_contact_stop_subject_kind CHECK (subject_kind in ('STUDENT', 'GUARDIAN', 'HOUSEHOLD')),
    CONSTRAINT ck_contact_stop_reason_code CHECK (reason_code in ('BEREAVEMENT', 'SAFEGUARDING', 'WRONG_PERSON', 'DECEASED', 'OTHER')),
    CONSTRAINT ck_contact_stop_permanent_stays CHECK (not (permanent and lifted_at is not null)),
    CONSTRAINT fk_contact_stop_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenant (id),
    CONSTRAINT fk_contact_stop_set_by FOREIGN KEY(set_by) REFERENCES person (id),
    CONSTRAINT fk_contact_stop_lifted_by FOREIGN KEY(lifted_by) REFERENCES person (id)
);

CREATE INDEX ix_contact_stop_subject_id ON contact_stop (tenant_id, subject_id) WHERE lifted_at is null;

CREATE TABLE import_run (
    id UUID DEFAULT uuidv7() NOT NULL,
    tenant_id UUID DEFAULT nullif(current_setting('app.current_tenant', true), '')::uuid NOT NULL,
    number BIGINT GENERATED ALWAYS AS IDENTITY,
    kind TEXT NOT NULL,
    source_name TEXT NOT NULL,
    fingerprint TEXT,
    status TEXT DEFAULT 'RUNNING' NOT NULL,
    step TEXT,
    rows_done BIGINT DEFAULT 0 NOT NULL,
    rows_accepted BIGINT DEFAULT 0 NOT NULL,
    rows_duplicate BIGINT DEFAULT 0 NOT NULL,
    rows_quarantined BIGINT DEFAULT 0 NOT NULL,
    counts JSONB DEFAULT '{}'::jsonb NOT NULL,
    issues JSONB DEFAULT '{}'::jsonb NOT NULL,
    error TEXT,
    started_by UUID,
    finished_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_import_run PRIMARY KEY (id),
    CONSTRAINT ck_import_run_status CHECK (status in ('RUNNING', 'FINISHED', 'FAILED', 'ROLLED_BACK')),
    CONSTRAINT fk_import_run_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenant (id),
    CONSTRAINT fk_import_run_started_by FOREIGN KEY(started_by) REFERENCES person (id)
);

CREATE TABLE letter_template (
    id UUID DEFAULT uuidv7() NOT NULL,
    tenant_id UUID DEFAULT nullif(current_setting('app.current_tenant', true), '')::uuid NOT NULL,
    key TEXT NOT NULL,
    school_id UUID,
    kind TEXT DEFAULT 'LETTER' NOT NULL,
    title TEXT NOT NULL,
    purpose TEXT NOT NULL,
    lock_scope TEXT DEFAULT 'DISTRICT_ONLY' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_letter_template PRIMARY KEY (id),
    CONSTRAINT uq_letter_template_tenant_id_key_school_id UNIQUE NULLS NOT DISTINCT (tenant_id, key, school_id),
    CONSTRAINT ck_letter_template_kind CHECK (kind in ('LETTER', 'EMAIL', 'SMS', 'PUSH', 'IN_APP')),
    CONSTRAINT ck_letter_template_lock_scope CHECK (lock_scope in ('DISTRICT_ONLY', 'SCHOOL_OVERRIDE_ALLOWED')),
    CONSTRAINT fk_letter_template_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenant (id),
    CONSTRAINT fk_letter_template_school_id FOREIGN KEY(school_id) REFERENCES school (id)
);

CREATE TABLE nightly_run (
    id UUID DEFAULT uuidv7() NOT NULL,
    tenant_id UUID DEFAULT nullif(current_setting('app.current_tenant', true), '')::uuid NOT NULL,
    school_id UUID NOT NULL,
    digest TEXT NOT NULL,
    date DATE NOT NULL,
    known_at TIMESTAMP WITH TIME ZONE NOT NULL,
    counts JSONB DEFAULT '{}'::jsonb NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_nightly_run PRIMARY KEY (id),
    CONSTRAINT uq_nightly_run_tenant_id_school_id_digest_date_known_at UNIQUE (tenant_id, school_id, digest, date, known_at),
    CONSTRAINT fk_nightly_run_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenant (id),
    CONSTRAINT fk_nightly_run_school_id FOREIGN KEY(school_id) REFERENCES school (id)
);

CREATE TABLE register_arrival (
    tenant_id UUID DEFAULT nullif(current_setting('app.current_tenant', true), '')::uuid NOT NULL,
    school_id UUID NOT NULL,
    date DATE NOT NULL,
    scheduled INTEGER NOT NULL,
    marked INTEGER NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_register_arrival PRIMARY KEY (school_id, date),
    CONSTRAINT fk_register_arrival_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenant (id),
    CONSTRAINT fk_register_arrival_school_id FOREIGN KEY(school_id) REFERENCES school (id)
);

CREATE TABLE role_assignment (
    id UUID DEFAULT uuidv7() NOT NULL,
    tenant_id UUID DEFAULT nullif(current_setting('app.current_tenant', true), '')::uuid NOT NULL,
    person_id UUID NOT NULL,
    role TEXT NOT NULL,
    all_schools BOOLEAN DEFAULT false NOT NULL,
    starts_on DATE,
    ends_on DATE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_role_assignment PRIMARY KEY (id),
    CONSTRAINT uq_role_assignment_tenant_id_person_id_role UNIQUE (tenant_id, person_id, role),
    CONSTRAINT fk_role_assignment_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenant (id),
    CONSTRAINT fk_role_assignment_person_id FOREIGN KEY(person_id) REFERENCES person (id)
);

CREATE TABLE rule_set_version (
    id UUID DEFAULT uuidv7() NOT NULL,
    tenant_id UUID DEFAULT nullif(current_setting('app.current_tenant', true), '')::uuid NOT NULL,
    rule_set_id UUID NOT NULL,
    version INTEGER NOT NULL,
    digest TEXT NOT NULL,
    content JSONB NOT NULL,
    status TEXT DEFAULT 'DRAFT' NOT NULL,
    revision INTEGER DEFAULT 0 NOT NULL,
    author_id UUID,
    submitted_at TIMESTAMP WITH TIME ZONE,
    approved_by UUID,
    approved_at TIMESTAMP WITH TIME ZONE,
    activated_at TIMESTAMP WITH TIME ZONE,
    retired_at TIMESTAMP WITH TIME ZONE,
    reason TEXT,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_rule_set_version PRIMARY KEY (id),
    CONSTRAINT uq_rule_set_version_tenant_id_rule_set_id_version UNIQUE (tenant_id, rule_set_id, version),
    CONSTRAINT ck_rule_set_version_status CHECK (status in ('DRAFT', 'IN_REVIEW', 'APPROVED', 'ACTIVE', 'RETIRED')),
    CONSTRAINT fk_rule_set_version_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenant (id),
    CONSTRAINT fk_rule_set_version_rule_set_id FOREIGN KEY(rule_set_id) REFERENCES rule_set (id),
    CONSTRAINT fk_rule_set_version_author_id FOREIGN KEY(author_id) REFERENCES person (id),
    CONSTRAINT fk_rule_set_version_approved_by FOREIGN KEY(approved_by) REFERENCES person (id)
);

CREATE INDEX ix_rule_set_version_digest ON rule_set_version (tenant_id, digest);

CREATE UNIQUE INDEX uq_rule_set_version_active ON rule_set_version (tenant_id, rule_set_id) WHERE status = 'ACTIVE';

CREATE TABLE school_class (
    id UUID DEFAULT uuidv7() NOT NULL,
    tenant_id UUID DEFAULT nullif(current_setting('app.current_tenant', true), '')::uuid NOT NULL,
    source_id TEXT NOT NULL,
    school_id UUID NOT NULL,
    year_group TEXT,
    name TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_school_class PRIMARY KEY (id),
    CONSTRAINT uq_school_class_tenant_id_source_id UNIQUE (tenant_id, source_id),
    CONSTRAINT fk_school_class_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenant (id),
    CONSTRAINT fk_school_class_school_id FOREIGN KEY(school_id) REFERENCES school (id)
);

CREATE TABLE school_scope (
    tenant_id UUID DEFAULT nullif(current_setting('app.current_tenant', true), '')::uuid NOT NULL,
    person_id UUID NOT NULL,
    school_id UUID NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_school_scope PRIMARY KEY (person_id, school_id),
    CONSTRAINT fk_school_scope_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenant (id),
    CONSTRAINT fk_school_scope_person_id FOREIGN KEY(person_id) REFERENCES person (id),
    CONSTRAINT fk_school_scope_school_id FOREIGN KEY(school_id) REFERENCES school (id)
);

CREATE TABLE sending_switch (
    id UUID DEFAULT uuidv7() NOT NULL,
    tenant_id UUID DEFAULT nullif(current_setting('app.current_tenant', true), '')::uuid NOT NULL,
    school_id UUID,
    channel TEXT,
    enabled BOOLEAN NOT NULL,
    reason TEXT,
    changed_by UUID,
    changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_sending_switch PRIMARY KEY (id),
    CONSTRAINT uq_sending_switch_tenant_id_school_id_channel UNIQUE NULLS NOT DISTINCT (tenant_id, school_id, channel),
    CONSTRAINT ck_sending_switch_channel CHECK (channel in ('EMAIL', 'POST', 'SMS', 'PUSH', 'IN_APP')),
    CONSTRAINT fk_sending_switch_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenant (id),
    CONSTRAINT fk_sending_switch_school_id FOREIGN KEY(school_id) REFERENCES school (id),
    CONSTRAINT fk_sending_switch_changed_by FOREIGN KEY(changed_by) REFERENCES person (id)
);

CREATE TABLE audit_seal (
    id UUID DEFAULT uuidv7() NOT NULL,
    tenant_id UUID DEFAULT nullif(current_setting('app.current_tenant', true), '')::uuid NOT NULL,
    position BIGINT NOT NULL,
    entry_id UUID NOT NULL,
    previous_hash TEXT NOT NULL,
    hash TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_audit_seal PRIMARY KEY (id),
    CONSTRAINT uq_audit_seal_tenant_id_position UNIQUE (tenant_id, position),
    CONSTRAINT uq_audit_seal_tenant_id_entry_id UNIQUE (tenant_id, entry_id),
    CONSTRAINT fk_audit_seal_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenant (id),
    CONSTRAINT fk_audit_seal_entry_id FOREIGN KEY(entry_id) REFERENCES audit_entry (id)
);

CREATE TABLE letter_template_version (
    id UUID DEFAULT uuidv7() NOT NULL,
    tenant_id UUID DEFAULT nullif(current_setting('app.current_tenant', true), '')::uuid NOT NULL,
    template_id UUID NOT NULL,
    version INTEGER NOT NULL,
    status TEXT DEFAULT 'DRAFT' NOT NULL,
    revision INTEGER DEFAULT 0 NOT NULL,
    digest TEXT,
    body TEXT NOT NULL,
    translations JSONB DEFAULT '{}'::jsonb NOT NULL,
    merge_field_schema JSONB DEFAULT '{}'::jsonb NOT NULL,
    required_elements JSONB DEFAULT '[]'::jsonb NOT NULL,
    author_id UUID,
    submitted_at TIMESTAMP WITH TIME ZONE,
    approved_by UUID,
    approved_at TIMESTAMP WITH TIME ZONE,
    retired_at TIMESTAMP WITH TIME ZONE,
    reason TEXT,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_letter_template_version PRIMARY KEY (id),
    CONSTRAINT uq_letter_template_version_tenant_id_template_id_version UNIQUE (tenant_id, template_id, version),
    CONSTRAINT ck_letter_template_version_status CHECK (status in ('DRAFT', 'IN_REVIEW', 'APPROVED', 'RETIRED')),
    CONSTRAINT ck_letter_template_version_four_eyes CHECK (approved_by is null or approved_by <> author_id),
    CONSTRAINT fk_letter_template_version_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenant (id),
    CONSTRAINT fk_letter_template_version_template_id FOREIGN KEY(template_id) REFERENCES letter_template (id),
    CONSTRAINT fk_letter_template_version_author_id FOREIGN KEY(author_id) REFERENCES person (id),
    CONSTRAINT fk_letter_template_version_approved_by FOREIGN KEY(approved_by) REFERENCES person (id)
);

CREATE TABLE quarantine_row (
    id UUID DEFAULT uuidv7() NOT NULL,
    tenant_id UUID DEFAULT nullif(current_setting('app.current_tenant', true), '')::uuid NOT NULL,
    import_id UUID NOT NULL,
    kind TEXT NOT NULL,
    line BIGINT NOT NULL,
    problem TEXT NOT NULL,
    detail TEXT,
    row JSONB NOT NULL,
    status TEXT DEFAULT 'OPEN' NOT NULL,
    resolved_by UUID,
    resolved_at TIMESTAMP WITH TIME ZONE,
    resolution TEXT,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_quarantine_row PRIMARY KEY (id),
    CONSTRAINT ck_quarantine_row_status CHECK (status in ('OPEN', 'RESOLVED', 'DISMISSED')),
    CONSTRAINT fk_quarantine_row_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenant (id),
    CONSTRAINT fk_quarantine_row_import_id FOREIGN KEY(import_id) REFERENCES import_run (id),
    CONSTRAINT fk_quarantine_row_resolved_by FOREIGN KEY(resolved_by) REFERENCES person (id)
);

CREATE INDEX ix_quarantine_row_import_id ON quarantine_row (tenant_id, import_id);

CREATE TABLE student (
    id UUID DEFAULT uuidv7() NOT NULL,
    tenant_id UUID DEFAULT nullif(current_setting('app.current_tenant', true), '')::uuid NOT NULL,
    source_id TEXT NOT NULL,
    first_name TEXT,
    last_name TEXT,
    dob DATE,
    year_group TEXT,
    class_id UUID,
    home_language TEXT,
    deceased_on DATE,
    deleted_at TIMESTAMP WITH TIME ZONE,
    merged_into_id UUID,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_student PRIMARY KEY (id),
    CONSTRAINT uq_student_tenant_id_source_id UNIQUE (tenant_id, source_id),
    CONSTRAINT fk_student_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenant (id),
    CONSTRAINT fk_student_class_id FOREIGN KEY(class_id) REFERENCES school_class (id),
    CONSTRAINT fk_student_merged_into_id FOREIGN KEY(merged_into_id) REFERENCES student (id)
);

CREATE INDEX ix_student_merged_into_id ON student (merged_into_id) WHERE merged_into_id is not null;

CREATE TABLE absence_reason (
    id UUID DEFAULT uuidv7() NOT NULL,
    tenant_id UUID DEFAULT nullif(current_setting('app.current_tenant', true), '')::uuid NOT NULL,
    student_id UUID NOT NULL,
    school_id UUID NOT NULL,
    date DATE NOT NULL,
    session TEXT NOT NULL,
    reason TEXT NOT NULL,
    status TEXT NOT NULL,
    given_by UUID,
    decided_by UUID,
    decided_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_absence_reason PRIMARY KEY (id),
    CONSTRAINT ck_absence_reason_session CHECK (session in ('AM', 'PM')),
    CONSTRAINT ck_absence_reason_status CHECK (status in ('GIVEN', 'ACCEPTED', 'REFUSED')),
    CONSTRAINT uq_absence_reason_tenant_id_student_id_school_id_date_session UNIQUE (tenant_id, student_id, school_id, date, session),
    CONSTRAINT fk_absence_reason_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenant (id),
    CONSTRAINT fk_absence_reason_student_id FOREIGN KEY(student_id) REFERENCES student (id),
    CONSTRAINT fk_absence_reason_school_id FOREIGN KEY(school_id) REFERENCES school (id),
    CONSTRAINT fk_absence_reason_given_by FOREIGN KEY(given_by) REFERENCES guardian (id),
    CONSTRAINT fk_absence_reason_decided_by FOREIGN KEY(decided_by) REFERENCES person (id)
);

CREATE TABLE care_flag (
    id UUID DEFAULT uuidv7() NOT NULL,
    tenant_id UUID DEFAULT nullif(current_setting('app.current_tenant', true), '')::uuid NOT NULL,
    student_id UUID NOT NULL,
    kind TEXT NOT NULL,
    starts_on DATE NOT NULL,
    ends_on DATE,
    set_by UUID,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_care_flag PRIMARY KEY (id),
    CONSTRAINT ck_care_flag_kind CHECK (kind in ('EDUCATION_PLAN', 'LONG_TERM_CONDITION', 'SOCIAL_WORKER', 'LOOKED_AFTER', 'YOUNG_CARER', 'BEREAVED', 'PREGNANT', 'HOMELESS', 'NEW_ARRIVAL', 'SAFEGUARDING', 'PART_TIME_TIMETABLE', 'STAFF_CHILD')),
    CONSTRAINT fk_care_flag_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenant (id),
    CONSTRAINT fk_care_flag_student_id FOREIGN KEY(student_id) REFERENCES student (id),
    CONSTRAINT fk_care_flag_set_by FOREIGN KEY(set_by) REFERENCES person (id)
);

CREATE INDEX ix_care_flag_student_id ON care_flag (tenant_id, student_id);

CREATE TABLE case_file (
    id UUID DEFAULT uuidv7() NOT NULL,
    tenant_id UUID DEFAULT nullif(current_setting('app.current_tenant', true), '')::uuid NOT NULL,
    student_id UUID NOT NULL,
    school_id UUID NOT NULL,
    tier SMALLINT DEFAULT 1 NOT NULL,
    status TEXT DEFAULT 'OPEN' NOT NULL,
    owner_id UUID,
    resolved_at TIMESTAMP WITH TIME ZONE,
    resolved_by UUID,
    resolution TEXT,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_case_file PRIMARY KEY (id),
    CONSTRAINT ck_case_file_status CHECK (status in ('OPEN', 'RESOLVED')),
    CONSTRAINT ck_case_file_tier CHECK (tier between 1 and 3),
    CONSTRAINT fk_case_file_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenant (id),
    CONSTRAINT fk_case_file_student_id FOREIGN KEY(student_id) REFERENCES student (id),
    CONSTRAINT fk_case_file_school_id FOREIGN KEY(school_id) REFERENCES school (id),
    CONSTRAINT fk_case_file_owner_id FOREIGN KEY(owner_id) REFERENCES person (id),
    CONSTRAINT fk_case_file_resolved_by FOREIGN KEY(resolved_by) REFERENCES person (id)
);

CREATE UNIQUE INDEX uq_case_file_open ON case_file (tenant_id, student_id, school_id) WHERE status = 'OPEN';

CREATE TABLE enrolment (
    id UUID DEFAULT uuidv7() NOT NULL,
    tenant_id UUID DEFAULT nullif(current_setting('app.current_tenant', true), '')::uuid NOT NULL,
    student_id UUID NOT NULL,
    school_id UUID NOT NULL,
    start_date DATE NOT NULL,
    end_date DATE,
    attends TEXT DEFAULT 'AM|PM' NOT NULL,
    registration TEXT DEFAULT 'MAIN' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_enrolment PRIMARY KEY (id),
    CONSTRAINT uq_enrolment_tenant_id_student_id_school_id_start_date_attends UNIQUE (tenant_id, student_id, school_id, start_date, attends),
    CONSTRAINT ck_enrolment_attends CHECK (attends in ('AM|PM', 'AM', 'PM')),
    CONSTRAINT ck_enrolment_registration CHECK (registration in ('MAIN', 'SUBSIDIARY', 'GUEST')),
    CONSTRAINT fk_enrolment_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenant (id),
    CONSTRAINT fk_enrolment_student_id FOREIGN KEY(student_id) REFERENCES student (id),
    CONSTRAINT fk_enrolment_school_id FOREIGN KEY(school_id) REFERENCES school (id)
);

CREATE INDEX ix_enrolment_school_id ON enrolment (tenant_id, school_id);

CREATE TABLE entry_state (
    tenant_id UUID DEFAULT nullif(current_setting('app.current_tenant', true), '')::uuid NOT NULL,
    student_id UUID NOT NULL,
    school_id UUID NOT NULL,
    rule_set_key TEXT NOT NULL,
    entry_true BOOLEAN NOT NULL,
    last_false_on DATE,
    last_date DATE NOT NULL,
    digest TEXT NOT NULL,
    CONSTRAINT pk_entry_state PRIMARY KEY (student_id, school_id, rule_set_key),
    CONSTRAINT fk_entry_state_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenant (id),
    CONSTRAINT fk_entry_state_student_id FOREIGN KEY(student_id) REFERENCES student (id),
    CONSTRAINT fk_entry_state_school_id FOREIGN KEY(school_id) REFERENCES school (id)
);

CREATE TABLE evaluation (
    id UUID DEFAULT uuidv7() NOT NULL,
    tenant_id UUID DEFAULT nullif(current_setting('app.current_tenant', true), '')::uuid NOT NULL,
    student_id UUID NOT NULL,
    school_id UUID NOT NULL,
    instance_id UUID,
    digest TEXT NOT NULL,
    date DATE NOT NULL,
    known_at TIMESTAMP WITH TIME ZONE NOT NULL,
    metrics JSONB NOT NULL,
    facts JSONB DEFAULT '{}'::jsonb NOT NULL,
    leaves_true TEXT DEFAULT '' NOT NULL,
    leaves_known TEXT DEFAULT '' NOT NULL,
    decision TEXT,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_evaluation PRIMARY KEY (id),
    CONSTRAINT uq_evaluation_moment UNIQUE NULLS NOT DISTINCT (tenant_id, student_id, school_id, digest, date, known_at, instance_id),
    CONSTRAINT fk_evaluation_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenant (id),
    CONSTRAINT fk_evaluation_student_id FOREIGN KEY(student_id) REFERENCES student (id),
    CONSTRAINT fk_evaluation_school_id FOREIGN KEY(school_id) REFERENCES school (id)
);

CREATE INDEX ix_evaluation_instance ON evaluation (tenant_id, instance_id, date);

CREATE INDEX ix_evaluation_student ON evaluation (tenant_id, student_id, date);

CREATE TABLE exemption (
    id UUID DEFAULT uuidv7() NOT NULL,
    tenant_id UUID DEFAULT nullif(current_setting('app.current_tenant', true), '')::uuid NOT NULL,
    student_id UUID NOT NULL,
    scope TEXT NOT NULL,
    kind TEXT NOT NULL,
    reason TEXT NOT NULL,
    starts_on DATE NOT NULL,
    ends_on DATE,
    review_on DATE,
    set_by UUID,
    withdrawn_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_exemption PRIMARY KEY (id),
    CONSTRAINT ck_exemption_scope CHECK (scope in ('stop', 'hold')),
    CONSTRAINT fk_exemption_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenant (id),
    CONSTRAINT fk_exemption_student_id FOREIGN KEY(student_id) REFERENCES student (id),
    CONSTRAINT fk_exemption_set_by FOREIGN KEY(set_by) REFERENCES person (id)
);

CREATE INDEX ix_exemption_student_id ON exemption (tenant_id, student_id);

CREATE TABLE guardian_link (
    id UUID DEFAULT uuidv7() NOT NULL,
    tenant_id UUID DEFAULT nullif(current_setting('app.current_tenant', true), '')::uuid NOT NULL,
    student_id UUID NOT NULL,
    guardian_id UUID NOT NULL,
    relationship TEXT,
    priority SMALLINT,
    parental_responsibility BOOLEAN,
    lives_with BOOLEAN,
    may_receive_letters BOOLEAN,
    may_use_portal BOOLEAN,
    may_attend_meetings BOOLEAN,
    may_receive_calls BOOLEAN,
    may_be_held_liable BOOLEAN,
    order_kind TEXT,
    order_from DATE,
    order_to DATE,
    order_evidence TEXT,
    order_entered_by UUID,
    order_checked_by UUID,
    address_confidential BOOLEAN DEFAULT false NOT NULL,
    contact_via TEXT DEFAULT 'self' NOT NULL,
    valid_from DATE,
    valid_to DATE,
    widening_proposed_by UUID,
    widening_confirmed_by UUID,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_guardian_link PRIMARY KEY (id),
    CONSTRAINT uq_guardian_link_tenant_id_student_id_guardian_id_valid_from UNIQUE NULLS NOT DISTINCT (tenant_id, student_id, guardian_id, valid_from),
    CONSTRAINT ck_guardian_link_contact_via CHECK (contact_via in ('self', 'social worker', 'carer', 'liaison')),
    CONSTRAINT ck_guardian_link_order_two_people CHECK (order_checked_by is null or order_checked_by <> order_entered_by),
    CONSTRAINT ck_guardian_link_two_people CHECK (widening_confirmed_by is null or widening_confirmed_by <> widening_proposed_by),
    CONSTRAINT fk_guardian_link_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenant (id),
    CONSTRAINT fk_guardian_link_student_id FOREIGN KEY(student_id) REFERENCES student (id),
    CONSTRAINT fk_guardian_link_guardian_id FOREIGN KEY(guardian_id) REFERENCES guardian (id),
    CONSTRAINT fk_guardian_link_order_entered_by FOREIGN KEY(order_entered_by) REFERENCES person (id),
    CONSTRAINT fk_guardian_link_order_checked_by FOREIGN KEY(order_checked_by) REFERENCES person (id),
    CONSTRAINT fk_guardian_link_widening_proposed_by FOREIGN KEY(widening_proposed_by) REFERENCES person (id),
    CONSTRAINT fk_guardian_link_widening_confirmed_by FOREIGN KEY(widening_confirmed_by) REFERENCES person (id)
);

CREATE INDEX ix_guardian_link_guardian_id ON guardian_link (tenant_id, guardian_id);

CREATE TABLE late_trip (
    id UUID DEFAULT uuidv7() NOT NULL,
    tenant_id UUID DEFAULT nullif(current_setting('app.current_tenant', true), '')::uuid NOT NULL,
    student_id UUID NOT NULL,
    school_id UUID NOT NULL,
    rule_set_key TEXT NOT NULL,
    digest TEXT NOT NULL,
    date DATE NOT NULL,
    metrics JSONB DEFAULT '{}'::jsonb NOT NULL,
    seen_by UUID,
    seen_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_late_trip PRIMARY KEY (id),
    CONSTRAINT uq_late_trip_tenant_id_student_id_school_id_rule_set_key_date UNIQUE (tenant_id, student_id, school_id, rule_set_key, date),
    CONSTRAINT fk_late_trip_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenant (id),
    CONSTRAINT fk_late_trip_student_id FOREIGN KEY(student_id) REFERENCES student (id),
    CONSTRAINT fk_late_trip_school_id FOREIGN KEY(school_id) REFERENCES school (id),
    CONSTRAINT fk_late_trip_seen_by FOREIGN KEY(seen_by) REFERENCES person (id)
);

CREATE TABLE student_attribute (
    id UUID DEFAULT uuidv7() NOT NULL,
    tenant_id UUID DEFAULT nullif(current_setting('app.current_tenant', true), '')::uuid NOT NULL,
    student_id UUID NOT NULL,
    kind TEXT NOT NULL,
    value TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_student_attribute PRIMARY KEY (id),
    CONSTRAINT uq_student_attribute_tenant_id_student_id_kind UNIQUE (tenant_id, student_id, kind),
    CONSTRAINT fk_student_attribute_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenant (id),
    CONSTRAINT fk_student_attribute_student_id FOREIGN KEY(student_id) REFERENCES student (id)
);

CREATE TABLE student_key (
    id UUID DEFAULT uuidv7() NOT NULL,
    tenant_id UUID DEFAULT nullif(current_setting('app.current_tenant', true), '')::uuid NOT NULL,
    student_id UUID NOT NULL,
    record_class TEXT NOT NULL,
    wrapped_key BYTEA,
    tenant_key_id TEXT NOT NULL,
    destroyed_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_student_key PRIMARY KEY (id),
    CONSTRAINT uq_student_key_tenant_id_student_id_record_class UNIQUE (tenant_id, student_id, record_class),
    CONSTRAINT fk_student_key_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenant (id),
    CONSTRAINT fk_student_key_student_id FOREIGN KEY(student_id) REFERENCES student (id)
);

CREATE TABLE instance (
    id UUID DEFAULT uuidv7() NOT NULL,
    tenant_id UUID DEFAULT nullif(current_setting('app.current_tenant', true), '')::uuid NOT NULL,
    kind TEXT DEFAULT 'ATTENDANCE' NOT NULL,
    workflow_id TEXT,
    school_year TEXT NOT NULL,
    student_id UUID NOT NULL,
    lead_school_id UUID NOT NULL,
    enrolment_id UUID,
    case_id UUID NOT NULL,
    rule_set_key TEXT NOT NULL,
    rule_set_version_id UUID NOT NULL,
    digest TEXT NOT NULL,
    status TEXT DEFAULT 'STARTING' NOT NULL,
    phase TEXT DEFAULT 'EVALUATING' NOT NULL,
    revision BIGINT DEFAULT 0 NOT NULL,
    stage_index INTEGER DEFAULT 0 NOT NULL,
    stage_key TEXT,
    stage_type TEXT,
    hold_kind TEXT,
    hold_until TIMESTAMP WITH TIME ZONE,
    hold_reason TEXT,
    awaiting_approval BOOLEAN DEFAULT false NOT NULL,
    proposal_id UUID,
    due_at TIMESTAMP WITH TIME ZONE,
    due_on DATE,
    effective_day DATE,
    follow_up_week SMALLINT,
    assignee_id UUID,
    entry_date DATE,
    entry_evaluation_id UUID,
    entry_reason TEXT,
    opened_by UUID,
    started_at TIMESTAMP WITH TIME ZONE NOT NULL,
    last_stage_at TIMESTAMP WITH TIME ZONE,
    closed_at TIMESTAMP WITH TIME ZONE,
    close_reason TEXT,
    reopened_from UUID,
    view JSONB DEFAULT '{}'::jsonb NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_instance PRIMARY KEY (id),
    CONSTRAINT ck_instance_kind CHECK (kind in ('ATTENDANCE', 'MTSS')),
    CONSTRAINT ck_instance_status CHECK (status in ('STARTING', 'ACTIVE', 'ESCALATED', 'COMPLETED', 'STOPPED')),
    CONSTRAINT ck_instance_phase CHECK (phase in ('EVALUATING', 'AWAITING_APPROVAL', 'ON_HOLD', 'ACTING', 'WAITING', 'MEETING', 'EXIT_REVIEW', 'FOLLOW_UP', 'TRANSFER_PENDING', 'NEEDS_STAFF', 'CLOSED')),
    CONSTRAINT ck_instance_hold_kind CHECK (hold_kind in ('staff', 'basis', 'engines_differ', 'contact_stop')),
    CONSTRAINT fk_instance_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenant (id),
    CONSTRAINT uq_instance_workflow_id UNIQUE (workflow_id),
    CONSTRAINT fk_instance_student_id FOREIGN KEY(student_id) REFERENCES student (id),
    CONSTRAINT fk_instance_lead_school_id FOREIGN KEY(lead_school_id) REFERENCES school (id),
    CONSTRAINT fk_instance_case_id FOREIGN KEY(case_id) REFERENCES case_file (id),
    CONSTRAINT fk_instance_rule_set_version_id FOREIGN KEY(rule_set_version_id) REFERENCES rule_set_version (id),
    CONSTRAINT fk_instance_assignee_id FOREIGN KEY(assignee_id) REFERENCES person (id),
    CONSTRAINT fk_instance_entry_evaluation_id FOREIGN KEY(entry_evaluation_id) REFERENCES evaluation (id),
    CONSTRAINT fk_instance_opened_by FOREIGN KEY(opened_by) REFERENCES person (id),
    CONSTRAINT fk_instance_reopened_from FOREIGN KEY(reopened_from) REFERENCES instance (id)
);

CREATE INDEX ix_instance_queue ON instance (tenant_id, lead_school_id, phase, due_at);

CREATE INDEX ix_instance_student_id ON instance (tenant_id, student_id);

CREATE UNIQUE INDEX uq_instance_open ON instance (tenant_id, student_id, lead_school_id, rule_set_key, enrolment_id) NULLS NOT DISTINCT WHERE closed_at is null;

CREATE TABLE contact (
    id UUID DEFAULT uuidv7() NOT NULL,
    tenant_id UUID DEFAULT nullif(current_setting('app.current_tenant', true), '')::uuid NOT NULL,
    instance_id UUID,
    student_id UUID NOT NULL,
    guardian_id UUID,
    mode TEXT NOT NULL,
    reached BOOLEAN NOT NULL,
    said TEXT,
    barriers JSONB DEFAULT '[]'::jsonb NOT NULL,
    next_step TEXT,
    second_name TEXT,
    checked_in BOOLEAN,
    contacted_at TIMESTAMP WITH TIME ZONE NOT NULL,
    contacted_by UUID,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_contact PRIMARY KEY (id),
    CONSTRAINT ck_contact_mode CHECK (mode in ('CALL', 'VISIT', 'GATE', 'TEXT')),
    CONSTRAINT fk_contact_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenant (id),
    CONSTRAINT fk_contact_instance_id FOREIGN KEY(instance_id) REFERENCES instance (id),
    CONSTRAINT fk_contact_student_id FOREIGN KEY(student_id) REFERENCES student (id),
    CONSTRAINT fk_contact_guardian_id FOREIGN KEY(guardian_id) REFERENCES guardian (id),
    CONSTRAINT fk_contact_contacted_by FOREIGN KEY(contacted_by) REFERENCES person (id)
);

CREATE INDEX ix_contact_student_id ON contact (tenant_id, student_id);

CREATE TABLE escalation (
    id UUID DEFAULT uuidv7() NOT NULL,
    tenant_id UUID DEFAULT nullif(current_setting('app.current_tenant', true), '')::uuid NOT NULL,
    instance_id UUID NOT NULL,
    case_id UUID NOT NULL,
    stage_key TEXT NOT NULL,
    tier SMALLINT NOT NULL,
    recipient TEXT,
    reason TEXT,
    status TEXT DEFAULT 'OPEN' NOT NULL,
    artifact_id UUID,
    effect_key TEXT,
    opened_at TIMESTAMP WITH TIME ZONE NOT NULL,
    opened_by UUID,
    closed_at TIMESTAMP WITH TIME ZONE,
    result TEXT,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_escalation PRIMARY KEY (id),
    CONSTRAINT ck_escalation_status CHECK (status in ('OPEN', 'ACKNOWLEDGED', 'CLOSED')),
    CONSTRAINT uq_escalation_tenant_id_effect_key UNIQUE (tenant_id, effect_key),
    CONSTRAINT fk_escalation_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenant (id),
    CONSTRAINT fk_escalation_instance_id FOREIGN KEY(instance_id) REFERENCES instance (id),
    CONSTRAINT fk_escalation_case_id FOREIGN KEY(case_id) REFERENCES case_file (id)
);

CREATE TABLE event (
    id UUID DEFAULT uuidv7() NOT NULL,
    tenant_id UUID DEFAULT nullif(current_setting('app.current_tenant', true), '')::uuid NOT NULL,
    instance_id UUID,
    case_id UUID,
    student_id UUID NOT NULL,
    school_id UUID NOT NULL,
    type TEXT NOT NULL,
    stage_key TEXT,
    stage_type TEXT,
    artifact_id UUID,
    occurred_at TIMESTAMP WITH TIME ZONE NOT NULL,
    actor_id UUID,
    actor_role TEXT,
    reason TEXT,
    data JSONB DEFAULT '{}'::jsonb NOT NULL,
    revision BIGINT,
    dedupe_key TEXT,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_event PRIMARY KEY (id),
    CONSTRAINT uq_event_tenant_id_instance_id_dedupe_key UNIQUE (tenant_id, instance_id, dedupe_key),
    CONSTRAINT fk_event_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenant (id),
    CONSTRAINT fk_event_instance_id FOREIGN KEY(instance_id) REFERENCES instance (id),
    CONSTRAINT fk_event_case_id FOREIGN KEY(case_id) REFERENCES case_file (id),
    CONSTRAINT fk_event_student_id FOREIGN KEY(student_id) REFERENCES student (id),
    CONSTRAINT fk_event_school_id FOREIGN KEY(school_id) REFERENCES school (id)
);

CREATE INDEX ix_event_student_id ON event (tenant_id, student_id, occurred_at);

CREATE TABLE letter_artifact (
    id UUID DEFAULT uuidv7() NOT NULL,
    tenant_id UUID DEFAULT nullif(current_setting('app.current_tenant', true), '')::uuid NOT NULL,
    kind TEXT DEFAULT 'LETTER' NOT NULL,
    instance_id UUID,
    student_id UUID NOT NULL,
    school_id UUID NOT NULL,
    guardian_id UUID,
    stage_key TEXT,
    template_id UUID,
    template_version INTEGER,
    language TEXT NOT NULL,
    storage_path TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    stored_sha256 TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    pages INTEGER NOT NULL,
    engine TEXT NOT NULL,
    key_id UUID,
    merge_data JSONB DEFAULT '{}'::jsonb NOT NULL,
    effect_key TEXT,
    generated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    superseded_by UUID,
    rescinded_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_letter_artifact PRIMARY KEY (id),
    CONSTRAINT uq_letter_artifact_tenant_id_effect_key UNIQUE (tenant_id, effect_key),
    CONSTRAINT uq_letter_artifact_tenant_id_storage_path UNIQUE (tenant_id, storage_path),
    CONSTRAINT ck_letter_artifact_kind CHECK (kind in ('LETTER', 'CHRONOLOGY', 'UPLOAD')),
    CONSTRAINT fk_letter_artifact_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenant (id),
    CONSTRAINT fk_letter_artifact_instance_id FOREIGN KEY(instance_id) REFERENCES instance (id),
    CONSTRAINT fk_letter_artifact_student_id FOREIGN KEY(student_id) REFERENCES student (id),
    CONSTRAINT fk_letter_artifact_school_id FOREIGN KEY(school_id) REFERENCES school (id),
    CONSTRAINT fk_letter_artifact_guardian_id FOREIGN KEY(guardian_id) REFERENCES guardian (id),
    CONSTRAINT fk_letter_artifact_template_id FOREIGN KEY(template_id) REFERENCES letter_template (id),
    CONSTRAINT fk_letter_artifact_key_id FOREIGN KEY(key_id) REFERENCES student_key (id),
    CONSTRAINT fk_letter_artifact_superseded_by FOREIGN KEY(superseded_by) REFERENCES letter_artifact (id)
);

CREATE INDEX ix_letter_artifact_instance_id ON letter_artifact (tenant_id, instance_id);

CREATE TABLE meeting (
    id UUID DEFAULT uuidv7() NOT NULL,
    tenant_id UUID DEFAULT nullif(current_setting('app.current_tenant', true), '')::uuid NOT NULL,
    instance_id UUID,
    student_id UUID NOT NULL,
    school_id UUID NOT NULL,
    stage_key TEXT,
    status TEXT DEFAULT 'SCHEDULED' NOT NULL,
    revision INTEGER DEFAULT 0 NOT NULL,
    starts_at TIMESTAMP WITH TIME ZONE,
    ends_at TIMESTAMP WITH TIME ZONE,
    location TEXT,
    mode TEXT,
    held_at TIMESTAMP WITH TIME ZONE,
    notes TEXT,
    outcome_code TEXT,
    outcome_notes TEXT,
    ics_uid TEXT,
    ics_sequence INTEGER DEFAULT 0 NOT NULL,
    effect_key TEXT,
    created_by UUID,
    data JSONB DEFAULT '{}'::jsonb NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_meeting PRIMARY KEY (id),
    CONSTRAINT ck_meeting_status CHECK (status in ('PROPOSED', 'SCHEDULED', 'HELD', 'CANCELLED', 'NO_SHOW')),
    CONSTRAINT ck_meeting_outcome_code CHECK (outcome_code in ('RESOLVED', 'MEDICAL_PLAN', 'SUPPORT_PLAN', 'ESCALATE', 'RESCHEDULE', 'NO_ACTION', 'NO_SHOW')),
    CONSTRAINT uq_meeting_tenant_id_effect_key UNIQUE (tenant_id, effect_key),
    CONSTRAINT fk_meeting_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenant (id),
    CONSTRAINT fk_meeting_instance_id FOREIGN KEY(instance_id) REFERENCES instance (id),
    CONSTRAINT fk_meeting_student_id FOREIGN KEY(student_id) REFERENCES student (id),
    CONSTRAINT fk_meeting_school_id FOREIGN KEY(school_id) REFERENCES school (id),
    CONSTRAINT fk_meeting_created_by FOREIGN KEY(created_by) REFERENCES person (id)
);

CREATE INDEX ix_meeting_instance_id ON meeting (tenant_id, instance_id);

CREATE TABLE proposal (
    id UUID DEFAULT uuidv7() NOT NULL,
    tenant_id UUID DEFAULT nullif(current_setting('app.current_tenant', true), '')::uuid NOT NULL,
    instance_id UUID NOT NULL,
    kind TEXT DEFAULT 'STEP' NOT NULL,
    status TEXT DEFAULT 'PENDING' NOT NULL,
    stage_index INTEGER NOT NULL,
    stage_key TEXT NOT NULL,
    stage_type TEXT NOT NULL,
    approval TEXT NOT NULL,
    step JSONB DEFAULT '{}'::jsonb NOT NULL,
    basis JSONB DEFAULT '{}'::jsonb NOT NULL,
    reason TEXT,
    evaluation_id UUID,
    due_on DATE,
    due_at TIMESTAMP WITH TIME ZONE,
    proposed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    decided_by UUID,
    decided_role TEXT,
    decided_at TIMESTAMP WITH TIME ZONE,
    decision_reason TEXT,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_proposal PRIMARY KEY (id),
    CONSTRAINT ck_proposal_status CHECK (status in ('PENDING', 'HELD', 'APPROVED', 'SKIPPED', 'WITHDRAWN', 'SUPERSEDED', 'DONE')),
    CONSTRAINT fk_proposal_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenant (id),
    CONSTRAINT fk_proposal_instance_id FOREIGN KEY(instance_id) REFERENCES instance (id),
    CONSTRAINT fk_proposal_evaluation_id FOREIGN KEY(evaluation_id) REFERENCES evaluation (id)
);

CREATE INDEX ix_proposal_instance_id ON proposal (tenant_id, instance_id);

CREATE UNIQUE INDEX uq_proposal_pending ON proposal (tenant_id, instance_id) WHERE status in ('PENDING', 'HELD');

CREATE TABLE task (
    id UUID DEFAULT uuidv7() NOT NULL,
    tenant_id UUID DEFAULT nullif(current_setting('app.current_tenant', true), '')::uuid NOT NULL,
    kind TEXT NOT NULL,
    title TEXT NOT NULL,
    details JSONB DEFAULT '{}'::jsonb NOT NULL,
    student_id UUID,
    school_id UUID,
    case_id UUID,
    instance_id UUID,
    assignee_id UUID,
    role TEXT,
    due_on DATE,
    status TEXT DEFAULT 'OPEN' NOT NULL,
    done_by UUID,
    done_at TIMESTAMP WITH TIME ZONE,
    result JSONB,
    dedupe_key TEXT,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_task PRIMARY KEY (id),
    CONSTRAINT ck_task_status CHECK (status in ('OPEN', 'DONE', 'CANCELLED')),
    CONSTRAINT uq_task_tenant_id_dedupe_key UNIQUE (tenant_id, dedupe_key),
    CONSTRAINT fk_task_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenant (id),
    CONSTRAINT fk_task_student_id FOREIGN KEY(student_id) REFERENCES student (id),
    CONSTRAINT fk_task_school_id FOREIGN KEY(school_id) REFERENCES school (id),
    CONSTRAINT fk_task_case_id FOREIGN KEY(case_id) REFERENCES case_file (id),
    CONSTRAINT fk_task_instance_id FOREIGN KEY(instance_id) REFERENCES instance (id),
    CONSTRAINT fk_task_assignee_id FOREIGN KEY(assignee_id) REFERENCES person (id),
    CONSTRAINT fk_task_done_by FOREIGN KEY(done_by) REFERENCES person (id)
);

CREATE INDEX ix_task_open ON task (tenant_id, school_id, due_on) WHERE status = 'OPEN';

CREATE TABLE booking (
    id UUID DEFAULT uuidv7() NOT NULL,
    tenant_id UUID DEFAULT nullif(current_setting('app.current_tenant', true), '')::uuid NOT NULL,
    meeting_id UUID NOT NULL,
    resource_kind TEXT NOT NULL,
    resource_id UUID NOT NULL,
    during TSTZRANGE NOT NULL,
    cancelled BOOLEAN DEFAULT false NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_booking PRIMARY KEY (id),
    CONSTRAINT ck_booking_resource_kind CHECK (resource_kind in ('STAFF', 'ROOM', 'STUDENT')),
    CONSTRAINT ck_booking_during CHECK (lower_inc(during) and not upper_inc(during) and not isempty(during)),
    CONSTRAINT no_double_booking EXCLUDE USING gist (tenant_id WITH =, resource_kind WITH =, resource_id WITH =, during WITH &&) WHERE (not cancelled),
    CONSTRAINT fk_booking_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenant (id),
    CONSTRAINT fk_booking_meeting_id FOREIGN KEY(meeting_id) REFERENCES meeting (id)
);

CREATE TABLE meeting_attendee (
    id UUID DEFAULT uuidv7() NOT NULL,
    tenant_id UUID DEFAULT nullif(current_setting('app.current_tenant', true), '')::uuid NOT NULL,
    meeting_id UUID NOT NULL,
    kind TEXT NOT NULL,
    attendee_id UUID NOT NULL,
    invited_at TIMESTAMP WITH TIME ZONE,
    invitation_delivered BOOLEAN,
    response TEXT,
    attended BOOLEAN,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_meeting_attendee PRIMARY KEY (id),
    CONSTRAINT ck_meeting_attendee_kind CHECK (kind in ('STAFF', 'GUARDIAN', 'STUDENT', 'OTHER')),
    CONSTRAINT uq_meeting_attendee_tenant_id_meeting_id_kind_attendee_id UNIQUE (tenant_id, meeting_id, kind, attendee_id),
    CONSTRAINT fk_meeting_attendee_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenant (id),
    CONSTRAINT fk_meeting_attendee_meeting_id FOREIGN KEY(meeting_id) REFERENCES meeting (id)
);

CREATE TABLE message (
    id UUID DEFAULT uuidv7() NOT NULL,
    tenant_id UUID DEFAULT nullif(current_setting('app.current_tenant', true), '')::uuid NOT NULL,
    dedupe_key TEXT NOT NULL,
    kind TEXT NOT NULL,
    instance_id UUID,
    student_id UUID NOT NULL,
    guardian_id UUID NOT NULL,
    artifact_id UUID,
    meeting_id UUID,
    stage_key TEXT,
    status TEXT DEFAULT 'QUEUED' NOT NULL,
    withheld_reason TEXT,
    channel TEXT,
    sent_at TIMESTAMP WITH TIME ZONE,
    delivered_at TIMESTAMP WITH TIME ZONE,
    effective_day DATE,
    recorded_by UUID,
    data JSONB DEFAULT '{}'::jsonb NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_message PRIMARY KEY (id),
    CONSTRAINT uq_message_tenant_id_dedupe_key UNIQUE (tenant_id, dedupe_key),
    CONSTRAINT ck_message_status CHECK (status in ('QUEUED', 'SENDING', 'SENT', 'DELIVERED', 'FAILED', 'BOUNCED', 'RETURNED', 'SUPPRESSED', 'OPTED_OUT', 'DEFERRED_QUIET_HOURS', 'CAPPED', 'NO_ADDRESS', 'SUPERSEDED', 'WITHHELD', 'CANCELLED')),
    CONSTRAINT fk_message_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenant (id),
    CONSTRAINT fk_message_instance_id FOREIGN KEY(instance_id) REFERENCES instance (id),
    CONSTRAINT fk_message_student_id FOREIGN KEY(student_id) REFERENCES student (id),
    CONSTRAINT fk_message_guardian_id FOREIGN KEY(guardian_id) REFERENCES guardian (id),
    CONSTRAINT fk_message_artifact_id FOREIGN KEY(artifact_id) REFERENCES letter_artifact (id),
    CONSTRAINT fk_message_meeting_id FOREIGN KEY(meeting_id) REFERENCES meeting (id),
    CONSTRAINT fk_message_recorded_by FOREIGN KEY(recorded_by) REFERENCES person (id)
);

CREATE INDEX ix_message_instance_id ON message (tenant_id, instance_id);

CREATE TABLE message_attempt (
    id UUID DEFAULT uuidv7() NOT NULL,
    tenant_id UUID DEFAULT nullif(current_setting('app.current_tenant', true), '')::uuid NOT NULL,
    message_id UUID NOT NULL,
    number SMALLINT NOT NULL,
    channel TEXT NOT NULL,
    status TEXT NOT NULL,
    provider TEXT,
    provider_id TEXT,
    error TEXT,
    attempted_at TIMESTAMP WITH TIME ZONE NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_message_attempt PRIMARY KEY (id),
    CONSTRAINT uq_message_attempt_tenant_id_message_id_number UNIQUE (tenant_id, message_id, number),
    CONSTRAINT ck_message_attempt_channel CHECK (channel in ('EMAIL', 'POST', 'SMS', 'PUSH', 'IN_APP')),
    CONSTRAINT ck_message_attempt_status CHECK (status in ('QUEUED', 'SENDING', 'SENT', 'DELIVERED', 'FAILED', 'BOUNCED', 'RETURNED', 'SUPPRESSED', 'OPTED_OUT', 'DEFERRED_QUIET_HOURS', 'CAPPED', 'NO_ADDRESS', 'SUPERSEDED', 'WITHHELD', 'CANCELLED')),
    CONSTRAINT fk_message_attempt_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenant (id),
    CONSTRAINT fk_message_attempt_message_id FOREIGN KEY(message_id) REFERENCES message (id)
);

ALTER TABLE evaluation ADD CONSTRAINT fk_evaluation_instance_id FOREIGN KEY(instance_id) REFERENCES instance (id);
