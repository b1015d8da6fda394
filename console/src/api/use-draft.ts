import { useCallback, useEffect, useRef, useState } from "react";
import { dropDraft, findDrafts, keepDraft } from "./drafts";

type UserId = number | undefined;

/**
 * Keeps what somebody edits as a draft of this browser, with each change, and finds the one that was left here. There is
 * one draft of a document at a time, whatever revision it began with: it holds that itself. No document: no draft.
 *
 * `read` returns what was kept from its JSON, or null if it is nothing that this version of the console understands.
 */
export function useDraft<T>(user: UserId, document: string | null, read: (stored: unknown) => T | null) {
  const [kept, setKept] = useState<T | null>(null);
  const [resumedAt, setResumedAt] = useState<number | null>(null);
  const isTouched = useRef(false);
  const reader = useRef(read);
  reader.current = read;

  useEffect(() => {
    if (user === undefined || document === null) return;
    let isGone = false;
    void findDrafts(String(user), document).then((drafts) => {
      const draft = drafts.find((item) => item.document === document);
      if (isGone || isTouched.current || draft === undefined) return;
      const found = parsed(draft.text, reader.current);
      if (found === null) return;
      setKept(found);
      setResumedAt(draft.changedAt);
    });
    return () => {
      isGone = true;
    };
  }, [user, document]);

  /** Keeps what is edited now; null: nothing is any more. */
  const keep = useCallback(
    (next: T | null) => {
      isTouched.current = true;
      setKept(next);
      setResumedAt(null);
      if (user === undefined || document === null) return;
      const draft = { user: String(user), document, base: "" };
      if (next === null) void dropDraft(draft);
      else void keepDraft({ ...draft, text: JSON.stringify(next), changedAt: Date.now() });
    },
    [user, document],
  );
  return { kept, resumedAt, keep };
}

type Values = Readonly<Record<string, unknown>>;
type FormState<T extends Values> = {
  /** What it holds now; at first, what it begins with. The names and their order stay. */
  values: T;
  /** Puts values into it. */
  apply: (values: T) => void;
};

/** Keeps what is typed into a form as a draft, and puts it back when somebody returns to the form. Never for secrets. */
export function useFormDraft<T extends Values>(user: UserId, document: string | null, form: FormState<T>) {
  const start = useRef(form.values);
  const { kept, resumedAt, keep } = useDraft(user, document, (stored) => like(start.current, stored));
  const text = JSON.stringify(form.values);
  /** What is accounted for: what the form began with, was given back, or was kept. */
  const known = useRef(text);
  const latest = useRef(form);
  latest.current = form;

  useEffect(() => {
    if (resumedAt === null || kept === null) return;
    known.current = JSON.stringify(kept);
    latest.current.apply(kept);
  }, [resumedAt, kept]);
  useEffect(() => {
    if (text === known.current) return;
    known.current = text;
    keep(text === JSON.stringify(start.current) ? null : latest.current.values);
  }, [text, keep]);

  return {
    resumedAt,
    /** What was typed was sent, and is no draft any more. */
    done: () => keep(null),
    discard: () => {
      known.current = JSON.stringify(start.current);
      latest.current.apply(start.current);
      keep(null);
    },
  };
}

function parsed<T>(text: string, read: (stored: unknown) => T | null): T | null {
  try {
    return read(JSON.parse(text));
  } catch {
    return null;
  }
}

/** Returns what is stored if it has the names of `example` and no others, with values of the same kinds. */
function like<T extends Values>(example: T, stored: unknown): T | null {
  return isLike(example, stored) ? stored : null;
}

function isLike<T extends Values>(example: T, stored: unknown): stored is T {
  if (typeof stored !== "object" || stored === null) return false;
  const names = Object.keys(example);
  const found = Object.entries(stored);
  return (
    found.length === names.length &&
    found.every(([name, value], index) => name === names[index] && typeof value === typeof example[name])
  );
}
