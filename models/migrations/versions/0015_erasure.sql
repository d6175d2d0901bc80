-- Events, disclosures and views are written once; only an erasure may empty the words in them, and nothing else.
create function refuse_change_but_erasure() returns trigger language plpgsql as $$
declare
    words constant text[] := array['reason', 'data', 'what', 'actor_display'];
    owner name := (select pg_get_userbyid(relowner) from pg_class where oid = tg_relid);
begin
    if tg_op = 'UPDATE' and current_user = owner and (to_jsonb(new) - words) = (to_jsonb(old) - words)
            and current_setting('handrail.erasing', true) = to_jsonb(old) ->> 'student_id' then
        return new;
    end if;
    raise exception 'row of % is append-only or frozen: % refused', tg_table_name, tg_op using errcode = '42501';
end $$;
drop trigger append_only on event;
create trigger append_only before update or delete on event
    for each row execute function refuse_change_but_erasure();
drop trigger append_only on disclosure;
create trigger append_only before update or delete on disclosure
    for each row execute function refuse_change_but_erasure();
drop trigger append_only on student_view;
create trigger append_only before update or delete on student_view
    for each row execute function refuse_change_but_erasure();

-- What still runs for an erased student may write nothing more about them; the lock waits for an erasure under way.
create function refuse_erased() returns trigger language plpgsql as $$
begin
    if new.student_id is null then
        return new;
    end if;
    perform from student where id = new.student_id and erased_at is null for key share;
    if not found then
        raise exception 'student % is erased: nothing more is written to %', new.student_id, tg_table_name
            using errcode = '42501';
    end if;
    return new;
end $$;
create trigger not_erased before insert on event for each row execute function refuse_erased();
create trigger not_erased before insert on message for each row execute function refuse_erased();
create trigger not_erased before insert on letter_artifact for each row execute function refuse_erased();
create trigger not_erased before insert on contact for each row execute function refuse_erased();
create trigger not_erased before insert on meeting for each row execute function refuse_erased();
create trigger not_erased before insert on task for each row execute function refuse_erased();
create trigger not_erased before insert on absence_reason for each row execute function refuse_erased();
create trigger not_erased before insert on instance for each row execute function refuse_erased();
create trigger not_erased before insert on student_key for each row execute function refuse_erased();

-- What is left of a JSON object when every text goes: numbers and truth values, on which statistics rest.
create function figures_only(said jsonb) returns jsonb language sql immutable strict parallel safe as $$
    select coalesce(jsonb_object_agg(key, value), '{}'::jsonb) from jsonb_each(said)
    where jsonb_typeof(value) in ('number', 'boolean')
$$;

-- The words about one student, everywhere. The application role may call it and cannot do it otherwise: it works only
-- for an erasure that two people decided, and within the current tenant.
create function erase_words(wanted uuid) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    gone constant text := '(erased)';
    mine uuid[] := array(select id from student where id = wanted or merged_into_id = wanted order by id for update);
    sources text[] := array(select source_id from student where id = any(mine));
    names text[] := array(
        select distinct format('%%%s%%%s%%', lower(one), lower(other)) from student,
            lateral (values (first_name, last_name), (last_name, first_name)) called (one, other)
        where id = any(mine) and first_name <> '' and last_name <> '');
    walks uuid[] := array(select id from instance where student_id = any(mine));
    alone uuid[] := array(
        select g.guardian_id from guardian_link g where g.student_id = any(mine) and not exists (
            select from guardian_link o where o.guardian_id = g.guardian_id and o.student_id <> all(mine)));
    adults text[] := array(select format('%%%s%%', lower(name)) from guardian where id = any(alone) and name <> '');
    accounts uuid[];
    things text[];
    one uuid;
begin
    if not exists (select from erasure where student_id = wanted and approved_by <> requested_by) then
        raise exception 'no two people have decided to erase student %', wanted using errcode = '42501';
    end if;
    accounts := array(
        select person_id from guardian_account where guardian_id = any(alone)
        union select person_id from student_scope where kind = 'SELF' and student_id = any(mine));
    things := array(
        select '%' || id || '%' from (
            select unnest(mine || walks || alone) as id
            union all select id from case_file where student_id = any(mine)
            union all select id from task where student_id = any(mine)
            union all select id from meeting where student_id = any(mine)
            union all select id from letter_artifact where student_id = any(mine)
            union all select id from amendment_request where student_id = any(mine)
            union all select id from incident where student_id = any(mine)
        ) known);
    foreach one in array mine loop
        perform set_config('handrail.erasing', one::text, true);
        update event set reason = null, data = figures_only(data)
            where student_id = one and (reason is not null or data <> figures_only(data));
        update disclosure set what = gone where student_id = one and words is not null;
        update student_view set actor_display = gone where student_id = one and actor_id = any(accounts);
    end loop;
    perform set_config('handrail.erasing', '', true);
    delete from idempotency_key where answer::text like any(things) or route like any(things)
        or lower(answer::text) like any(names || adults);
    update quarantine_row set row = '{}', detail = null where
        exists (select from jsonb_each_text(row) cell where cell.value = any(sources))
        or lower(row::text) like any(names || adults);
    update outbox set payload = '{}', last_error = null,
            status = case when status = 'PENDING' then 'REJECTED' else status end
        where kind <> 'event' and subject = any(array(select unnest(walks)::text));
    update instance set hold_reason = null, entry_reason = null, view = '{}', state = null,
            close_reason = case when close_reason ~ '^[A-Z_]+$' then close_reason end
        where id = any(walks);
    update proposal set reason = null, decision_reason = null, step = '{}', basis = '{}' where instance_id = any(walks);
    update escalation set reason = null, recipient = null, result = null where instance_id = any(walks);
    update case_file set resolution = null where student_id = any(mine);
    update contact set said = null, barriers = '[]', next_step = null, second_name = null where student_id = any(mine);
    update task set title = gone, details = '{}', result = null where student_id = any(mine) or instance_id = any(walks);
    update meeting_attendee set response = null
        where meeting_id in (select id from meeting where student_id = any(mine));
    update meeting set location = null, notes = null, outcome_notes = null, data = '{}' where student_id = any(mine);
    update letter_artifact set merge_data = '{}' where student_id = any(mine);
    update message_attempt set provider_id = null, error = null
        where message_id in (select id from message where student_id = any(mine));
    update message set data = '{}' where student_id = any(mine);
    update amendment_request set wrong = null, wanted = null, reason = null, statement = null
        where student_id = any(mine);
    update incident set happened = null, recall_text = null, regulator_reason = null, family_reason = null, outcome = null
        where student_id = any(mine);
    update contact_stop set note = null, lift_reason = null where subject_id = any(mine || alone);
    update legal_hold set reason = gone, lift_reason = null where student_id = any(mine);
    update exemption set reason = gone where student_id = any(mine);
    update absence_reason set reason = gone where student_id = any(mine);
    update mark set amend_reason = null, reason_code = null, recorded_by = null, recorded_by_title = null,
            source_ref = null, mark_id = case
                when exists (select from unnest(sources) s where position(s in mark_id) > 0) then row_key::text
                else mark_id end
        where student_id = any(mine);
    update session_fact set reason_code = null where student_id = any(mine) and reason_code is not null;
    update summary set am_reason_code = null, pm_reason_code = null where student_id = any(mine);
    delete from stale_attendance where student_id = any(mine);
    delete from behaviour_event where student_id = any(mine);
    delete from prediction where student_id = any(mine);
    delete from section_member where student_id = any(mine);
    update inbound_event set entity = null, problem = null where exists (
        select from unnest(sources) s where position(s in concat(entity, ' ', problem)) > 0);
    delete from student_attribute where student_id = any(mine);
    delete from care_flag where student_id = any(mine);
    delete from kinship where student_id = any(mine);
    delete from student_scope where student_id = any(mine);
    delete from student_merge where old_source_id = any(sources) or new_source_id = any(sources);
    delete from guardian_link where student_id = any(mine);
    delete from guardian_account where guardian_id = any(alone);
    update guardian set name = gone, source_id = 'erased-' || id, language = null, preferred_channel = null,
            email = null, phone = null, address = null, timezone = null, access_needs = '[]', opted_out_channels = '[]'
        where id = any(alone);
    delete from console_session where person_id = any(accounts);
    delete from person_identity where person_id = any(accounts);
    update person set subject = 'erased-' || id, display_name = gone, title = null, email = null, phone = null,
            active = false
        where id = any(accounts);
    update student_key set wrapped_key = null, destroyed_at = coalesce(destroyed_at, now())
        where student_id = any(mine);
    update student set source_id = 'erased-' || id, first_name = null, last_name = null, dob = null, class_id = null,
            home_language = null, deceased_on = null, deleted_at = coalesce(deleted_at, now()), erased_at = now()
        where id = any(mine);
end $$;
revoke all on function erase_words(uuid) from public;
