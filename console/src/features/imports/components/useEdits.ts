import { useQuery } from "@tanstack/react-query";
import { useCallback, useEffect, useRef, useState } from "react";
import { useApi } from "@/api/context";
import { dropDraft, findDrafts, keepDraft } from "@/api/drafts";
import { meQuery } from "@/features/accounts";
import { type Edits, readEdits } from "../model/repairs";

/** Holds what was typed into the repair list of an import; it survives leaving the page. */
export function useEdits(importId: number): [Edits, (change: (before: Edits) => Edits) => void] {
  const user = useQuery(meQuery(useApi())).data?.user.id;
  const [edits, setEdits] = useState<Edits>({});
  // What is typed while an answer is waited for counts as well.
  const latest = useRef<Edits>(edits);
  const document = `import/${importId}/repairs`;
  useEffect(() => {
    if (user === undefined) return;
    let isGone = false;
    void findDrafts(String(user), document).then(([draft]) => {
      if (draft === undefined || isGone) return;
      latest.current = { ...readEdits(draft.text), ...latest.current };
      setEdits(latest.current);
    });
    return () => {
      isGone = true;
    };
  }, [user, document]);
  const change = useCallback(
    (apply: (before: Edits) => Edits) => {
      const next = apply(latest.current);
      latest.current = next;
      setEdits(next);
      if (user === undefined) return;
      const draft = { user: String(user), document, base: "" };
      if (Object.keys(next).length === 0) void dropDraft(draft);
      else void keepDraft({ ...draft, text: JSON.stringify(next), changedAt: Date.now() });
    },
    [user, document],
  );
  return [edits, change];
}
