import { Text } from "@mantine/core";
import { ApiError, messageOf } from "@/api/errors";
import { t } from "@/i18n";
import { Countdown } from "./Countdown";
import classes from "./FormError.module.css";

/** Says in place, and to a screen reader at once, why a form was refused. `onRetryable`: when waiting is over. */
export function FormError({ error, onRetryable }: { error: unknown; onRetryable?: (() => void) | undefined }) {
  const seconds = secondsToWait(error);
  return (
    <>
      <div role="alert" className={classes.place}>
        {error !== null && error !== undefined && (
          <Text size="sm" className={classes.message}>
            {seconds === null ? messageOf(error) : t("Too many attempts. Wait before you try again.")}
          </Text>
        )}
      </div>
      {seconds !== null && <Countdown seconds={seconds} onOver={onRetryable} />}
    </>
  );
}

/** Returns for how many seconds the API takes no further attempt; null if it takes one now. */
export function secondsToWait(error: unknown): number | null {
  return error instanceof ApiError && error.status === 429 ? error.retryAfter : null;
}
