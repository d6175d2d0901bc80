"""Inbound events, and what they tell that no other table keeps yet: staff, timetable, behaviour, predictions."""

import psycopg
from alembic import op

from models.migrations.protection import allow, force_tenant

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

TABLES = (
    "inbound_event", "staff_hours", "staff_absence", "section", "section_meeting", "section_member",
    "behaviour_event", "prediction",
)
# a week, a section's meetings and members are told whole: what is left out goes
REPLACED = ("staff_hours", "section_meeting", "section_member")

SCHEMA = """
CREATE TABLE inbound_event (
    id UUID DEFAULT uuidv7() NOT NULL,
    tenant_id UUID DEFAULT nullif(current_setting('app.current_tenant', true), '')::uuid NOT NULL,
    source TEXT NOT NULL,
    event_id TEXT NOT NULL,
    type TEXT NOT NULL,
    entity TEXT,
    time TIMESTAMP WITH TIME ZONE NOT NULL,
    digest TEXT NOT NULL,
    via TEXT NOT NULL,
    status TEXT NOT NULL,
    code TEXT,
    problem TEXT,
    tries INTEGER DEFAULT 1 NOT NULL,
    received_at TIMESTAMP WITH TIME ZONE NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_inbound_event PRIMARY KEY (id),
    CONSTRAINT uq_inbound_event_tenant_id_source_event_id UNIQUE (tenant_id, source, event_id),
    CONSTRAINT ck_inbound_event_status CHECK (status in ('APPLIED', 'SUPERSEDED', 'REFUSED')),
    CONSTRAINT ck_inbound_event_via CHECK (via in ('api', 'kafka')),
    CONSTRAINT fk_inbound_event_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenant (id)
);
CREATE INDEX ix_inbound_event_entity ON inbound_event (tenant_id, entity, time);

CREATE TABLE staff_hours (
    id UUID DEFAULT uuidv7() NOT NULL,
    tenant_id UUID DEFAULT nullif(current_setting('app.current_tenant', true), '')::uuid NOT NULL,
    staff_key TEXT NOT NULL,
    school_id UUID NOT NULL,
    valid_from DATE NOT NULL,
    valid_to DATE,
    weekday SMALLINT NOT NULL,
    starts TIME WITHOUT TIME ZONE NOT NULL,
    ends TIME WITHOUT TIME ZONE NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_staff_hours PRIMARY KEY (id),
    CONSTRAINT uq_staff_hours_tenant_id_staff_key_school_id_valid_from_c460 UNIQUE (tenant_id, staff_key, school_id, valid_from, weekday, starts),
    CONSTRAINT ck_staff_hours_weekday CHECK (weekday between 1 and 7),
    CONSTRAINT ck_staff_hours_forward CHECK (ends > starts),
    CONSTRAINT fk_staff_hours_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenant (id),
    CONSTRAINT fk_staff_hours_school_id FOREIGN KEY(school_id) REFERENCES school (id)
);

CREATE TABLE staff_absence (
    id UUID DEFAULT uuidv7() NOT NULL,
    tenant_id UUID DEFAULT nullif(current_setting('app.current_tenant', true), '')::uuid NOT NULL,
    source_key TEXT NOT NULL,
    staff_key TEXT NOT NULL,
    first_day DATE NOT NULL,
    last_day DATE NOT NULL,
    starts TIME WITHOUT TIME ZONE,
    ends TIME WITHOUT TIME ZONE,
    cancelled BOOLEAN DEFAULT false NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_staff_absence PRIMARY KEY (id),
    CONSTRAINT uq_staff_absence_tenant_id_source_key UNIQUE (tenant_id, source_key),
    CONSTRAINT ck_staff_absence_forward CHECK (last_day >= first_day),
    CONSTRAINT fk_staff_absence_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenant (id)
);

CREATE TABLE section (
    id UUID DEFAULT uuidv7() NOT NULL,
    tenant_id UUID DEFAULT nullif(current_setting('app.current_tenant', true), '')::uuid NOT NULL,
    source_key TEXT NOT NULL,
    school_id UUID NOT NULL,
    name TEXT NOT NULL,
    course TEXT,
    valid_from DATE NOT NULL,
    valid_to DATE,
    removed BOOLEAN DEFAULT false NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_section PRIMARY KEY (id),
    CONSTRAINT uq_section_tenant_id_source_key UNIQUE (tenant_id, source_key),
    CONSTRAINT fk_section_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenant (id),
    CONSTRAINT fk_section_school_id FOREIGN KEY(school_id) REFERENCES school (id)
);

CREATE TABLE section_meeting (
    id UUID DEFAULT uuidv7() NOT NULL,
    tenant_id UUID DEFAULT nullif(current_setting('app.current_tenant', true), '')::uuid NOT NULL,
    section_id UUID NOT NULL,
    weekday SMALLINT NOT NULL,
    starts TIME WITHOUT TIME ZONE NOT NULL,
    ends TIME WITHOUT TIME ZONE NOT NULL,
    room TEXT,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_section_meeting PRIMARY KEY (id),
    CONSTRAINT ck_section_meeting_weekday CHECK (weekday between 1 and 7),
    CONSTRAINT ck_section_meeting_forward CHECK (ends > starts),
    CONSTRAINT fk_section_meeting_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenant (id),
    CONSTRAINT fk_section_meeting_section_id FOREIGN KEY(section_id) REFERENCES section (id)
);
CREATE INDEX ix_section_meeting_section_id ON section_meeting (tenant_id, section_id);

CREATE TABLE section_member (
    id UUID DEFAULT uuidv7() NOT NULL,
    tenant_id UUID DEFAULT nullif(current_setting('app.current_tenant', true), '')::uuid NOT NULL,
    section_id UUID NOT NULL,
    staff_key TEXT,
    student_id UUID,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_section_member PRIMARY KEY (id),
    CONSTRAINT ck_section_member_one CHECK ((staff_key is null) <> (student_id is null)),
    CONSTRAINT fk_section_member_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenant (id),
    CONSTRAINT fk_section_member_section_id FOREIGN KEY(section_id) REFERENCES section (id),
    CONSTRAINT fk_section_member_student_id FOREIGN KEY(student_id) REFERENCES student (id)
);
CREATE INDEX ix_section_member_section_id ON section_member (tenant_id, section_id);
CREATE INDEX ix_section_member_student_id ON section_member (tenant_id, student_id);

CREATE TABLE behaviour_event (
    id UUID DEFAULT uuidv7() NOT NULL,
    tenant_id UUID DEFAULT nullif(current_setting('app.current_tenant', true), '')::uuid NOT NULL,
    source_key TEXT NOT NULL,
    student_id UUID NOT NULL,
    school_id UUID NOT NULL,
    occurred_at TIMESTAMP WITH TIME ZONE NOT NULL,
    category TEXT NOT NULL,
    severity SMALLINT,
    points SMALLINT,
    withdrawn BOOLEAN DEFAULT false NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_behaviour_event PRIMARY KEY (id),
    CONSTRAINT uq_behaviour_event_tenant_id_source_key UNIQUE (tenant_id, source_key),
    CONSTRAINT fk_behaviour_event_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenant (id),
    CONSTRAINT fk_behaviour_event_student_id FOREIGN KEY(student_id) REFERENCES student (id),
    CONSTRAINT fk_behaviour_event_school_id FOREIGN KEY(school_id) REFERENCES school (id)
);
CREATE INDEX ix_behaviour_event_student_id ON behaviour_event (tenant_id, student_id, occurred_at);

CREATE TABLE prediction (
    id UUID DEFAULT uuidv7() NOT NULL,
    tenant_id UUID DEFAULT nullif(current_setting('app.current_tenant', true), '')::uuid NOT NULL,
    student_id UUID NOT NULL,
    model TEXT NOT NULL,
    model_version TEXT NOT NULL,
    score NUMERIC(9, 8) NOT NULL,
    band TEXT,
    horizon_days SMALLINT,
    predicted_at TIMESTAMP WITH TIME ZONE NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_prediction PRIMARY KEY (id),
    CONSTRAINT uq_prediction_tenant_id_student_id_model_predicted_at UNIQUE (tenant_id, student_id, model, predicted_at),
    CONSTRAINT ck_prediction_score CHECK (score between 0 and 1),
    CONSTRAINT fk_prediction_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenant (id),
    CONSTRAINT fk_prediction_student_id FOREIGN KEY(student_id) REFERENCES student (id)
);
"""


def upgrade() -> None:
    run(SCHEMA)
    for table in TABLES:
        rights = "select, insert, update" + (", delete" if table in REPLACED else "")
        run(force_tenant(table) + allow(table, rights))


def downgrade() -> None:
    for table in reversed(TABLES):
        run(f"drop table {table};")


def run(script: str) -> None:
    connection = op.get_bind().connection.driver_connection
    assert isinstance(connection, psycopg.Connection)
    connection.execute(script.encode())
