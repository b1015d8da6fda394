-- Removal of an app's history, in small batches: each statement is a transaction of its own, looks for a few rows and
-- deletes them, so that it holds no lock for long and stands in nobody's way. An app's history is that of every
-- organization that uses it. The app's owner sets how much is kept, and it is kept of each organization: what one of them
-- runs never removes what another has.
--
-- `app_id between :app_id and :app_id` with an order by `app_id, id` is for the planner: it then takes the index that
-- has both; the same with `organization_id` where the index has that before the id. For `app_id = :app_id` it might read
-- the rows of all tenants by their id, until it has found enough.

-- name: add_missing
insert into platform.app_retention (app_id)
select id from platform.apps as app
where not exists (select from platform.app_retention as known where known.app_id = app.id)
on conflict do nothing

-- name: claim
-- Whoever takes an app moves it on at once, so that no other process takes it too; one that dies meanwhile has it looked
-- through a little later.
update platform.app_retention as taken
set due_at = now() + make_interval(secs => :again_seconds)
where taken.app_id = (
    select app_id from platform.app_retention
    where due_at <= now()
    order by due_at
    limit 1
    for update skip locked
)
returning taken.app_id, taken.limits, taken.measured_at, taken.due_at

-- name: organizations_of_runs
-- Steps from one organization to the next, without a look at the runs between. `is_measured` says whether it is time to
-- read all rows for their sizes: that is done every hour, and once a day where nothing was started for a day.
with recursive organizations as (
    (select organization_id from platform.runs where app_id = :app_id order by organization_id limit 1)
    union all
    select (
        select run.organization_id from platform.runs as run
        where run.app_id = :app_id and run.organization_id > last.organization_id
        order by run.organization_id
        limit 1
    )
    from organizations as last
    where last.organization_id is not null
)
select
    known.organization_id,
    cast(:measured_at as timestamptz) is null
        or cast(:measured_at as timestamptz) < now() - case
            when max(newest.created_at) over () > now() - interval '1 day' then interval '1 hour'
            else interval '1 day'
        end as is_measured,
    newest.created_at > now() - make_interval(secs => :again_seconds) as is_active
from organizations as known
cross join lateral (
    select created_at from platform.runs
    -- tenancy: each organization that has runs of the app
    where organization_id = known.organization_id and app_id between :app_id and :app_id
    order by app_id desc, id desc
    limit 1
) as newest
where known.organization_id is not null

-- name: organizations_of_calls
with recursive organizations as (
    (select organization_id from platform.integration_calls where app_id = :app_id order by organization_id limit 1)
    union all
    select (
        select call.organization_id from platform.integration_calls as call
        where call.app_id = :app_id and call.organization_id > last.organization_id
        order by call.organization_id
        limit 1
    )
    from organizations as last
    where last.organization_id is not null
)
select organization_id from organizations where organization_id is not null

-- name: last_run_to_remove
-- The newest run that is beyond the limit of number or age: all ended ones up to it go. By number it is the first after
-- the newest ones, in an index. By age it is the one before the first that is young enough, from the oldest on: no more
-- is read than goes. An absent number must not become an offset of null, which is one of 0.
select greatest(
    (
        select id from platform.runs
        -- tenancy: one of the organizations that have runs of the app
        where organization_id = :organization_id and app_id between :app_id and :app_id
            and cast(:max_count as bigint) is not null
        order by app_id desc, id desc
        offset coalesce(cast(:max_count as bigint), 0)
        limit 1
    ),
    (
        select id from platform.runs
        -- tenancy: one of the organizations that have runs of the app
        where organization_id = :organization_id and app_id between :app_id and :app_id
            and cast(:max_days as integer) is not null
            and id < coalesce((
                select id from platform.runs
                -- tenancy: one of the organizations that have runs of the app
                where organization_id = :organization_id and app_id between :app_id and :app_id
                    and created_at >= now() - make_interval(days => cast(:max_days as integer))
                order by app_id, id
                limit 1
            ), 9223372036854775807)
        order by app_id desc, id desc
        limit 1
    )
)

-- name: last_run_beyond_size
-- Reads all runs of the organization: see `is_measured`.
select max(id)
from (
    select id,
        sum(
            pg_column_size(event) + coalesce(pg_column_size(result), 0) + coalesce(pg_column_size(error), 0)
            + pg_column_size(environment)
        ) over (order by id desc) as bytes
    from platform.runs
    -- tenancy: one of the organizations that have runs of the app
    where organization_id = :organization_id and app_id = :app_id
) as kept
where bytes > cast(:max_bytes as bigint)

-- name: remove_runs
-- Lines of a log go with their run, so that a batch is bounded by them too. What refers to a run is looked up run by run:
-- `offset 0` keeps the planner from reading everything that refers to any run, of all tenants, in every batch.
-- The outcome of a key is compared as `keyed_runs` writes it.
with living as materialized (
    select id, started_by_run_id, rerun_of_run_id
    from platform.runs
    where app_id = :app_id and state in ('pending', 'claimed', 'running')
), referred as materialized (
    select started_by_run_id as id from living where started_by_run_id is not null
    union
    select rerun_of_run_id from living where rerun_of_run_id is not null
), candidates as (
    select run.id, sum(run.log_bytes) over (order by run.app_id, run.id) - run.log_bytes as bytes_before
    from platform.runs as run
    -- tenancy: one of the organizations that have runs of the app
    where run.organization_id = :organization_id and run.app_id between :app_id and :app_id and run.id <= :last_id
        and run.state in ('completed', 'failed', 'stopped')
        and not exists (select from referred where referred.id = run.id)
        and not exists (select from living where living.id = run.started_by_run_id)
        and not exists (
            select from platform.webhook_deliveries as delivery
            join platform.webhooks as webhook on webhook.id = delivery.webhook_id
            where delivery.run_id = run.id
                and delivery.created_at > now() - make_interval(hours => webhook.idempotency_hours)
            offset 0
        )
        and not exists (
            select from platform.idempotency_keys as known
            where known.outcome = '{"run_id": ' || run.id || '}' and known.subject like 'run:%'
                and known.created_at > now() - interval '24 hours'
            offset 0
        )
    order by run.app_id, run.id
    limit :rows
), doomed as (
    select id from platform.runs
    where id in (select id from candidates where bytes_before < :bytes)
    for update skip locked
)
delete from platform.runs as run
using doomed
where run.id = doomed.id
returning run.id

-- name: last_log_to_remove
-- Reads all runs of the organization: see `is_measured`.
select max(id)
from (
    select id, created_at, log_bytes, sum(log_bytes) over (order by id desc) as bytes
    from platform.runs
    -- tenancy: one of the organizations that have runs of the app
    where organization_id = :organization_id and app_id = :app_id
) as kept
where log_bytes > 0
    and (
        bytes > cast(:max_bytes as bigint) or created_at < now() - make_interval(days => cast(:max_days as integer))
    )

-- name: remove_logs
-- The run says that its log was removed, so that nobody takes it for one that wrote nothing.
with candidates as (
    select id, sum(log_bytes) over (order by app_id, id) - log_bytes as bytes_before
    from platform.runs
    -- tenancy: one of the organizations that have runs of the app
    where organization_id = :organization_id and app_id between :app_id and :app_id and id <= :last_id and log_bytes > 0
        and state in ('completed', 'failed', 'stopped')
    order by app_id, id
    limit :rows
), doomed as (
    select id from platform.runs
    where id in (select id from candidates where bytes_before < :bytes)
    for update skip locked
), lines as (
    delete from platform.run_log_lines as line
    using doomed
    where line.run_id = doomed.id
)
update platform.runs as run
set log_bytes = 0, log_removed_at = now()
from doomed
where run.id = doomed.id
returning run.id

-- name: last_call_to_remove
select greatest(
    (
        select id from platform.integration_calls
        -- tenancy: one of the organizations whose connections the app calls
        where app_id = :app_id and organization_id between :organization_id and :organization_id
            and cast(:max_count as bigint) is not null
        order by organization_id desc, id desc
        offset coalesce(cast(:max_count as bigint), 0)
        limit 1
    ),
    (
        select id from platform.integration_calls
        -- tenancy: one of the organizations whose connections the app calls
        where app_id = :app_id and organization_id between :organization_id and :organization_id
            and cast(:max_days as integer) is not null
            and id < coalesce((
                select id from platform.integration_calls
                -- tenancy: one of the organizations whose connections the app calls
                where app_id = :app_id and organization_id between :organization_id and :organization_id
                    and created_at >= now() - make_interval(days => cast(:max_days as integer))
                order by organization_id, id
                limit 1
            ), 9223372036854775807)
        order by organization_id desc, id desc
        limit 1
    )
)

-- name: remove_calls
delete from platform.integration_calls
where id in (
    select id from platform.integration_calls
    -- tenancy: one of the organizations whose connections the app calls
    where app_id = :app_id and organization_id between :organization_id and :organization_id and id <= :last_id
    order by organization_id, id
    limit :rows
)
returning id

-- name: remove_deliveries
-- Of webhooks that are no longer called: each call removes those of its own webhook.
delete from platform.webhook_deliveries as delivery
where (delivery.webhook_id, delivery.digest) in (
    select old.webhook_id, old.digest
    from platform.webhooks as webhook
    join platform.webhook_deliveries as old on old.webhook_id = webhook.id
    where webhook.app_id = :app_id and old.created_at < now() - make_interval(hours => webhook.idempotency_hours)
    limit :rows
)
returning delivery.webhook_id

-- name: next_look
-- Soon where something was removed, or runs are being started; what is quiet is left alone. Whoever saved other limits
-- meanwhile, or took the app after too long a look, has set another time.
update platform.app_retention
set measured_at = case when :is_measured then now() else measured_at end,
    due_at = now() + make_interval(secs => case
        when :removed > 0 then cast(:soon_seconds as integer)
        when :is_active then cast(:again_seconds as integer)
        else cast(:quiet_seconds as integer)
    end)
where app_id = :app_id and due_at = :due_at

-- name: usage
select
    (select count(*) from platform.runs where app_id = :app_id) as runs,
    (
        select coalesce(sum(
            pg_column_size(event) + coalesce(pg_column_size(result), 0) + coalesce(pg_column_size(error), 0)
            + pg_column_size(environment)
        ), 0) from platform.runs where app_id = :app_id
    ) as run_bytes,
    (select min(created_at) from platform.runs where app_id = :app_id) as oldest_run_at,
    (select coalesce(sum(log_bytes), 0) from platform.runs where app_id = :app_id) as log_bytes,
    (select count(*) from platform.integration_calls where app_id = :app_id) as calls,
    (select min(created_at) from platform.integration_calls where app_id = :app_id) as oldest_call_at,
    (
        select count(*) from platform.webhooks as webhook
        join platform.webhook_deliveries as delivery on delivery.webhook_id = webhook.id
        where webhook.app_id = :app_id
    ) as deliveries
