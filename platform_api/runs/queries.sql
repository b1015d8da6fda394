-- What changes the state of runs. Every statement that acts for a runner names the fence it was given, so that one
-- which lost its lease changes nothing.

-- name: claim
-- Waiting runs for one runner. Organizations take turns, beginning with those of which the fewest runs are held, so that
-- nobody's thousand runs keep another's one waiting; within an organization the oldest comes first. Rows that another
-- claim is taking this moment are passed over: more candidates are looked at than all claims at once could take.
--
-- Runs may hold a slot for a day. So where there are several organizations, one that holds a slot takes no more while
-- only the reserve is left, a quarter of the slots: these are for whoever holds none. Two claims at once may both count
-- on the same slots; then the reserve is smaller for a while.
with recursive organizations as (
    (
        select organization_id
        from platform.runs
        where state = 'pending'
        order by organization_id
        limit 1
    )
    union all
    select (
        select run.organization_id
        from platform.runs as run
        where run.state = 'pending' and run.organization_id > organizations.organization_id
        order by run.organization_id
        limit 1
    )
    from organizations
    where organizations.organization_id is not null
), held as (
    select organization_id, count(*) as runs
    from platform.runs
    where state in ('claimed', 'running')
    group by organization_id
), slots as (
    select greatest(present.slots, held.runs + :slots) - held.runs as free,
        case when (select count(*) from (select from platform.organizations limit 2) as first_two) > 1
            then greatest(1, greatest(present.slots, held.runs + :slots) / 4) else 0
        end as reserve
    from (
        select coalesce(sum(slots), 0) as slots from platform.runners
        where seen_at > now() - make_interval(secs => :present_seconds)
    ) as present,
    (select coalesce(sum(runs), 0) as runs from held) as held
), candidates as materialized (
    -- The constant limits tell the planner that these are few.
    select waiting.id, waiting.place + coalesce(held.runs, 0) as turn
    from organizations
    left join held using (organization_id)
    cross join lateral (
        select oldest.id, row_number() over (order by oldest.id) as place
        from (
            select run.id
            from platform.runs as run
            -- Written as a range, so that only the index of waiting runs can serve it, however many there are.
            where run.state = 'pending'
                and (run.organization_id, run.id) > (organizations.organization_id, 0)
                -- tenancy: a runner serves every organization; this decides only whose turn it is
                and run.organization_id <= organizations.organization_id
            order by run.organization_id, run.id
            limit 500
        ) as oldest
    ) as waiting
    order by turn, waiting.id
    limit 600
), allowed as (
    select candidate.id, candidate.turn
    from (select id, turn, row_number() over (order by turn, id) as place from candidates) as candidate, slots
    where candidate.turn = 1 or slots.free - candidate.place >= slots.reserve
), next as (
    select run.id
    from platform.runs as run
    join allowed as candidates on candidates.id = run.id
    where run.state = 'pending'
    order by candidates.turn, run.id
    limit :slots
    for update of run skip locked
)
update platform.runs as run
set state = 'claimed',
    fence = run.fence + 1,
    runner_id = :runner_id,
    isolation = :isolation,
    claimed_at = now(),
    changed_in = cast(cast(pg_current_xact_id() as text) as bigint),
    lease_expires_at = now() + make_interval(secs => :written_seconds)
from next
where run.id = next.id
returning run.id

-- name: start
-- From here on user code may have run. The same start again gives the same time.
update platform.runs
set state = 'running',
    starts = starts + case when state = 'claimed' then 1 else 0 end,
    started_at = case when state = 'claimed' then now() else started_at end,
    changed_in = cast(cast(pg_current_xact_id() as text) as bigint)
where id = :run_id and fence = :fence and state in ('claimed', 'running')
returning started_at

-- name: renew
-- Leases are written somewhat longer than they are promised, and only when no more than the promise is left: heartbeats
-- come more often than that.
with held as (
    select * from unnest(cast(:run_ids as bigint[]), cast(:fences as integer[])) as held (run_id, fence)
), extended as (
    update platform.runs as run
    set lease_expires_at = now() + make_interval(secs => :written_seconds)
    from held
    where run.id = held.run_id and run.fence = held.fence and run.state in ('claimed', 'running')
        and run.lease_expires_at < now() + make_interval(secs => :lease_seconds)
)
select run.id, run.fence, run.cancel_requested_at is not null as cancel
from platform.runs as run
join held on run.id = held.run_id and run.fence = held.fence
where run.state in ('claimed', 'running')

-- name: complete
update platform.runs
set state = :state,
    cause = :cause,
    result = :result,
    error = :error,
    usage = cast(:usage as jsonb),
    finish_digest = :finish_digest,
    finished_at = now(),
    changed_in = cast(cast(pg_current_xact_id() as text) as bigint),
    lease_expires_at = null
where id = :run_id and fence = :fence and state in ('claimed', 'running')
returning id

-- name: is_completed_so
select true
from platform.runs
where id = :run_id and fence = :fence and finish_digest = :finish_digest

-- name: give_up
-- Ends leases before their time; `reap` then decides what becomes of the runs.
update platform.runs as run
set lease_expires_at = '-infinity',
    finish_digest = :finish_digest
from unnest(cast(:run_ids as bigint[]), cast(:fences as integer[])) as held (run_id, fence)
where run.id = held.run_id and run.fence = held.fence and run.state = any(cast(:states as text[]))
returning run.id

-- name: reap
-- Runs that were given up, and those whose lease ran out up to the moment to which that counts. One that was not started
-- waits again; so does one that may be repeated. A started one may have done half its work: it is not repeated behind
-- anybody's back.
with lost as (
    select id,
        case
            when cancel_requested_at is not null then 'stopped'
            when state = 'claimed' then 'pending'
            when allows_retries and starts < :max_starts then 'pending'
            else 'failed'
        end as next_state
    from platform.runs
    where state in ('claimed', 'running')
        and lease_expires_at <= coalesce(cast(:horizon as timestamptz), '-infinity')
        -- After the clock was set back, that moment is in the future.
        and lease_expires_at <= now()
    order by lease_expires_at
    limit 500
    for update skip locked
)
update platform.runs as run
set state = lost.next_state,
    cause = case lost.next_state when 'stopped' then 'cancelled' when 'failed' then 'runner_lost' end,
    error = case lost.next_state
        when 'stopped' then 'the run was cancelled'
        when 'failed' then 'the runner stopped reporting; how far the run came is not known'
    end,
    finished_at = case when lost.next_state <> 'pending' then now() end,
    progress = case when lost.next_state <> 'pending' then run.progress end,
    progress_info = case when lost.next_state <> 'pending' then run.progress_info end,
    progress_status = case when lost.next_state <> 'pending' then run.progress_status end,
    changed_in = cast(cast(pg_current_xact_id() as text) as bigint),
    lease_expires_at = null
from lost
where run.id = lost.id
returning run.id, run.state, run.starts

-- name: cancel
-- A run that user code has not started ends here; a running one is ended by its runner.
update platform.runs
set state = case when state = 'running' then state else 'stopped' end,
    cause = case when state <> 'running' then 'cancelled' end,
    error = case when state <> 'running' then 'the run was cancelled before it started' end,
    finished_at = case when state <> 'running' then now() end,
    lease_expires_at = case when state = 'running' then lease_expires_at end,
    cancel_requested_at = coalesce(cancel_requested_at, now()),
    changed_in = cast(cast(pg_current_xact_id() as text) as bigint)
where id = :run_id and state in ('pending', 'claimed', 'running')
returning state

-- name: append_log_lines
-- A repeated line is ignored. What a run stores is bounded, whatever its runner lets through.
with held as (
    update platform.runs
    set log_bytes = log_bytes + :bytes
    where id = :run_id and fence = :fence and state in ('claimed', 'running')
    returning id, fence, log_bytes <= cast(limits ->> 'output_kb' as bigint) * 2048 + 65536 as has_room
), added as (
    insert into platform.run_log_lines (run_id, fence, seq, stream, text, at)
    select held.id, held.fence, line.seq, line.stream, line.text, line.at
    from held
    cross join unnest(
        cast(:seqs as integer[]), cast(:streams as text[]), cast(:texts as text[]), cast(:ats as timestamptz[])
    ) as line (seq, stream, text, at)
    where held.has_room
    on conflict do nothing
    returning seq
)
select (select count(*) from held) > 0 as is_held, (select count(*) from added) as accepted

-- name: position_before_last_lines
select fence, seq
from platform.run_log_lines
where run_id = :run_id
order by fence desc, seq desc
offset :lines
limit 1

-- name: read_log_lines
select fence, seq, stream, text, at
from platform.run_log_lines
where run_id = :run_id and (fence, seq) > (:fence, :seq)
order by fence, seq
limit :lines

-- name: read_last_log_lines
select fence, seq, stream, text, at
from (
    select * from platform.run_log_lines where run_id = :run_id order by fence desc, seq desc limit :lines
) as last
order by fence, seq

-- name: notify
select pg_notify(:channel, :payload)

-- name: notify_listed
-- Equal notifications of a transaction are sent once.
select pg_notify(:run_channel, cast(id as text)), pg_notify(:list_channel, cast(organization_id as text))
from platform.runs
where id = any(cast(:run_ids as bigint[]))

-- name: count_held
-- How many runs a runner holds, how many all runners do, how many of these are of an organization, and whether there
-- are others.
select count(*) filter (where runner_id = cast(:runner_id as text)) as by_runner,
    count(*) as by_all,
    -- tenancy: the caller's own, given by the actor
    count(*) filter (where organization_id = cast(:organization_id as integer)) as of_organization,
    (select count(*) from (select from platform.organizations limit 2) as first_two) > 1 as has_neighbours
from platform.runs
where state in ('claimed', 'running')

-- name: oldest_waiting
-- The oldest waiting runs of an organization; the index of waiting runs answers it.
select id
from platform.runs
where state = 'pending' and organization_id = :organization_id -- tenancy: the caller's own, given by the actor
order by id
limit :runs

-- name: current_snapshot
select cast(pg_current_snapshot() as text)

-- name: changed_runs
-- Runs of an organization that changed in transactions which the snapshot `seen` did not see and `reading` does, after
-- the place (change, run). Snapshots and not numbers tell what is new: transactions do not end in the order in which
-- they begin. What `seen` did not see is written as two ranges, so that a transaction that has been running for hours
-- makes nobody read the changes of these hours. What a restored database has of a later count of transactions waits
-- until that is reached.
select id, changed_in
from (
    (
        select run.id, run.changed_in
        from platform.runs as run
        where run.organization_id = :organization_id -- tenancy: the reader's own, given by the actor
            and run.changed_in = any(cast(:seen_running as bigint[]))
            and (run.changed_in, run.id) > (:change, :run_id)
            and run.changed_in < :reading_end
            and run.changed_in <> all(cast(:reading_running as bigint[]))
        order by run.changed_in, run.id
        limit :runs
    )
    union all
    (
        select run.id, run.changed_in
        from platform.runs as run
        where run.organization_id = :organization_id -- tenancy: the reader's own, given by the actor
            and run.changed_in >= :seen_end
            and (run.changed_in, run.id) > (:change, :run_id)
            and run.changed_in < :reading_end
            and run.changed_in <> all(cast(:reading_running as bigint[]))
        order by run.changed_in, run.id
        limit :runs
    )
) as changed
order by changed_in, id
limit :runs
