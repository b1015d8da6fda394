-- Removal of an app's history, in small batches: each statement is a transaction of its own, looks for a few rows and
-- deletes them, so that it holds no lock for long and stands in nobody's way. An app's history is that of every
-- organization that uses it: the app's owner sets how much is kept.

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
returning taken.app_id, taken.limits

-- name: last_run_to_remove
-- The newest run that is beyond a limit: all ended ones up to it go.
select max(id)
from (
    select id, created_at,
        row_number() over (order by id desc) as place,
        sum(
            pg_column_size(event) + coalesce(pg_column_size(result), 0) + coalesce(pg_column_size(error), 0)
            + pg_column_size(environment)
        ) over (order by id desc) as bytes
    from platform.runs
    where app_id = :app_id
) as kept
where place > cast(:max_count as bigint)
    or bytes > cast(:max_bytes as bigint)
    or created_at < now() - make_interval(days => cast(:max_days as integer))

-- name: remove_runs
-- Lines of a log go with their run, so that a batch is bounded by them too.
with living as materialized (
    select id, started_by_run_id, rerun_of_run_id
    from platform.runs
    where app_id = :app_id and state in ('pending', 'claimed', 'running')
), referred as materialized (
    select started_by_run_id as id from living where started_by_run_id is not null
    union
    select rerun_of_run_id from living where rerun_of_run_id is not null
    union
    select delivery.run_id
    from platform.webhooks as webhook
    join platform.webhook_deliveries as delivery on delivery.webhook_id = webhook.id
    where webhook.app_id = :app_id
        and delivery.created_at > now() - make_interval(hours => webhook.idempotency_hours)
    union
    select cast(cast(outcome as json) ->> 'run_id' as bigint)
    from platform.idempotency_keys
    where app_id = :app_id and subject like 'run:%' and created_at > now() - interval '24 hours'
        and outcome is not null
), candidates as (
    select run.id, sum(run.log_bytes) over (order by run.id) - run.log_bytes as bytes_before
    from platform.runs as run
    where run.app_id = :app_id and run.id <= :last_id
        and run.state in ('completed', 'failed', 'stopped')
        and not exists (select from referred where referred.id = run.id)
        and not exists (select from living where living.id = run.started_by_run_id)
    order by run.id
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
select max(id)
from (
    select id, created_at, log_bytes, sum(log_bytes) over (order by id desc) as bytes
    from platform.runs
    where app_id = :app_id
) as kept
where log_bytes > 0
    and (
        bytes > cast(:max_bytes as bigint) or created_at < now() - make_interval(days => cast(:max_days as integer))
    )

-- name: remove_logs
-- The run says that its log was removed, so that nobody takes it for one that wrote nothing.
with candidates as (
    select id, sum(log_bytes) over (order by id) - log_bytes as bytes_before
    from platform.runs
    where app_id = :app_id and id <= :last_id and log_bytes > 0
        and state in ('completed', 'failed', 'stopped')
    order by id
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
select max(id)
from (
    select id, created_at, row_number() over (order by id desc) as place
    from platform.integration_calls
    where app_id = :app_id
) as kept
where place > cast(:max_count as bigint) or created_at < now() - make_interval(days => cast(:max_days as integer))

-- name: remove_calls
delete from platform.integration_calls
where id in (
    select id from platform.integration_calls
    where app_id = :app_id and id <= :last_id
    order by id
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
-- Soon where something was removed, or runs are being started; what is quiet is left alone.
update platform.app_retention as looked
set due_at = now() + make_interval(secs => case
    when :removed > 0 then :soon_seconds
    when exists (
        select from platform.runs where app_id = looked.app_id
            and created_at > now() - make_interval(secs => :again_seconds)
    ) then :again_seconds
    else :quiet_seconds
end)
where app_id = :app_id

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
