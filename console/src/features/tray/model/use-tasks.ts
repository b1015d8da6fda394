import { useMutationState, useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { useApi, useOrganization } from "@/api/context";
import { messageOf } from "@/api/errors";
import type { TabTask } from "@/api/tasks";
import { ownJobsQuery } from "../api";
import { inOrder, type TabState, type Task, taskOfJob, taskOfTab } from "./tasks";

const none: TabTask = { kind: "change", name: "", place: "", href: "" };

/** Returns what is under way or ended lately: one's imports and exports, and what this tab does. */
export function useTasks(): readonly Task[] {
  const org = useOrganization();
  const jobs = useQuery(ownJobsQuery(useApi())).data;
  const ofTab = useMutationState({
    filters: { predicate: ({ meta, state }) => meta?.task !== undefined && isListed(meta.task, state.status) },
    select: ({ mutationId, meta, state }): TabState => ({
      id: mutationId,
      task: meta?.task ?? none,
      status: state.status,
      reason: state.error === null ? "" : messageOf(state.error),
      isCancelled: state.error?.name === "AbortError",
      submittedAt: state.submittedAt,
    }),
  });
  return useMemo(
    () => inOrder([...(jobs ?? []).map((job) => taskOfJob(job, org)), ...ofTab.map(taskOfTab)]),
    [jobs, ofTab, org],
  );
}

/** Of changes that were applied a message tells. */
function isListed(task: TabTask, status: TabState["status"]): boolean {
  return status !== "idle" && !(task.kind === "change" && status === "success");
}
