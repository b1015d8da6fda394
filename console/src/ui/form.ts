import { faultsOf } from "@/api/errors";

/** What these functions need of a form of @mantine/form. */
type Form = {
  getValues: () => Record<string, unknown>;
  setErrors: (errors: Record<string, string>) => void;
  getInputNode: (path: string) => HTMLElement | null;
};

/** Shows the faults that the API found at their fields, and moves the focus to the first of them. */
export function showFaults(form: Form, error: unknown): void {
  const faults = faultsOf(error);
  form.setErrors(faults);
  focusFirst(form, faults);
}

/** Moves the focus to the first field, in the form's order, that has a fault. */
export function focusFirst(form: Form, faults: Record<string, unknown>): void {
  const first = Object.keys(form.getValues()).find((path) => path in faults);
  if (first !== undefined) form.getInputNode(first)?.focus();
}

/** Returns `error` unless the fields of the form show all of it. */
export function besideFields(form: Form, error: unknown): unknown {
  const paths = Object.keys(faultsOf(error));
  const values = form.getValues();
  return paths.length > 0 && paths.every((path) => path in values) ? null : error;
}
