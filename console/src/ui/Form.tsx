import { Button, Group, Stack } from "@mantine/core";
import type { UseFormReturnType } from "@mantine/form";
import { type UseMutationResult, useMutation } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { FormError, secondsToWait } from "./FormError";
import { besideFields, focusFirst, showFaults } from "./form";

/** Sends what a form holds; what the API refuses is shown at its fields, and stays as it was typed. */
export function useSubmit<Values extends Record<string, unknown>, Answer>(
  form: UseFormReturnType<Values>,
  send: (values: Values) => Promise<Answer>,
  onDone: (answer: Answer) => void | Promise<void>,
): UseMutationResult<Answer, Error, Values> {
  return useMutation({
    mutationFn: send,
    onSuccess: (answer) => onDone(answer),
    onError: (error) => showFaults(form, error),
  });
}

type FormProps<Values extends Record<string, unknown>, Answer> = {
  form: UseFormReturnType<Values>;
  submitting: UseMutationResult<Answer, Error, Values>;
  submitLabel: string;
  /** Beside the button: cancel. */
  more?: ReactNode;
  fullWidth?: boolean;
  children: ReactNode;
};

/** Fields, why they were refused, and the button that sends them. */
export function Form<Values extends Record<string, unknown>, Answer>({
  form,
  submitting,
  submitLabel,
  more,
  fullWidth = false,
  children,
}: FormProps<Values, Answer>) {
  const button = (
    <Button
      type="submit"
      loading={submitting.isPending}
      disabled={secondsToWait(submitting.error) !== null}
      fullWidth={fullWidth}
    >
      {submitLabel}
    </Button>
  );
  return (
    <form
      onSubmit={form.onSubmit(
        (values) => submitting.mutate(values),
        (faults) => focusFirst(form, faults),
      )}
      noValidate
    >
      <Stack gap="sm">
        {children}
        <FormError error={besideFields(form, submitting.error)} onRetryable={submitting.reset} />
        {fullWidth ? (
          <>
            {button}
            {more}
          </>
        ) : (
          <Group gap="xs">
            {button}
            {more}
          </Group>
        )}
      </Stack>
    </form>
  );
}
