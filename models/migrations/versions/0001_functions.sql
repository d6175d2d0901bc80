create or replace function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'row of % is append-only or frozen: % refused', tg_table_name, tg_op using errcode = '42501';
end $$;

-- The first day of the school year in which a day lies; year_start is 'MM-DD' (attendance.md S5.5).
create function school_year_start(day date, year_start text) returns date
language sql immutable strict parallel safe as $$
    select make_date(
        extract(year from day)::int - (to_char(day, 'MM-DD') < year_start)::int,
        substr(year_start, 1, 2)::int,
        substr(year_start, 4, 2)::int)
$$;

-- The application role owns nothing, so the owner's function makes the partitions of the year (1 August - 31 July) of a day.
create function ensure_year_partitions(day date) returns text
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    first date := school_year_start(day, '08-01');
    suffix text := to_char(first, 'YYYY');
    parent text;
    part text;
begin
    if day not between date '2000-01-01' and date '2100-12-31' then
        raise exception 'no partition for %: the date is outside 2000-2100', day using errcode = '22008';
    end if;
    if to_regclass(format('public.summary_y%s', suffix)) is not null then
        return suffix;
    end if;
    perform pg_advisory_xact_lock(hashtext('handrail.ensure_year_partitions'));
    foreach parent in array array['mark', 'session_fact', 'summary'] loop
        part := format('%s_y%s', parent, suffix);
        if to_regclass('public.' || part) is null then
            execute format('create table public.%I partition of public.%I for values from (%L) to (%L)',
                part, parent, first, (first + interval '1 year')::date);
            execute format('alter table public.%I enable row level security', part);
            execute format('alter table public.%I force row level security', part);
            execute format('grant maintain on public.%I to handrail_app', part);
            execute format('create policy tenant on public.%I using (tenant_id = '
                '(select nullif(current_setting(''app.current_tenant'', true), '''')::uuid)) with check (tenant_id = '
                '(select nullif(current_setting(''app.current_tenant'', true), '''')::uuid))', part);
        end if;
    end loop;
    return suffix;
end $$;
revoke all on function ensure_year_partitions(date) from public;
