import { Alert } from "@mantine/core";
import { Suspense } from "react";
import { ResultValue } from "@/features/runs";
import { t } from "@/i18n";
import { LoadingRows } from "@/ui/Page";
import { framesOf, messageOfTraceback } from "../model/traceback";
import { hasEnded, type Running } from "../model/use-run";
import classes from "./ResultView.module.css";

type Props = { running: Running; paths: ReadonlySet<string>; onOpen: (path: string, line: number) => void };

/** The value that a run returned, or what it failed with. */
export function ResultView({ running, paths, onOpen }: Props) {
  const { run } = running;
  if (run === null || !hasEnded(run))
    return <p className={classes.text}>{t("The result comes when the run has ended.")}</p>;
  if (run.status !== "completed") return <Failure error={run.error ?? run.cause ?? ""} paths={paths} onOpen={onOpen} />;
  return (
    <div className={classes.result}>
      <Suspense fallback={<LoadingRows count={3} />}>
        <ResultValue result={run.result} name={`run-${run.number}`} />
      </Suspense>
    </div>
  );
}

function Failure({ error, paths, onOpen }: { error: string } & Pick<Props, "paths" | "onOpen">) {
  const frames = framesOf(error, paths);
  return (
    <div className={classes.result}>
      <Alert color="red" variant="outline" title={messageOfTraceback(error)}>
        <ul className={classes.frames}>
          {frames.map(({ path, line, name }) => (
            <li key={`${path}:${line}:${name}`}>
              <button type="button" className={classes.frame} onClick={() => onOpen(path, line)}>
                {path}:{line}
              </button>{" "}
              {name}
            </li>
          ))}
        </ul>
        {error.includes("\n") && (
          <details>
            <summary>{t("Whole traceback")}</summary>
            <pre className={classes.traceback}>{error}</pre>
          </details>
        )}
      </Alert>
    </div>
  );
}
