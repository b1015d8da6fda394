import { Tabs } from "@mantine/core";
import type { ReactNode } from "react";
import { t } from "@/i18n";
import type { Problem } from "../editor/problems";
import type { Running } from "../model/use-run";
import classes from "./BottomPanel.module.css";
import { OutputView } from "./OutputView";
import { ResultView } from "./ResultView";

export type PanelTab = "output" | "result" | "problems" | "history";

type Props = {
  tab: PanelTab;
  onTab: (tab: PanelTab) => void;
  running: Running;
  problems: readonly Problem[];
  paths: ReadonlySet<string>;
  onOpen: (path: string, line: number) => void;
  onProblem: (problem: Problem) => void;
  history: () => ReactNode;
};

/** What a run says and returns, what is wrong with the text, and the versions before. */
export function BottomPanel({ tab, onTab, running, problems, paths, onOpen, onProblem, history }: Props) {
  return (
    <Tabs
      value={tab}
      onChange={(value) => onTab(tabs.find((known) => known === value) ?? "output")}
      className={classes.tabs}
      keepMounted={false}
    >
      <Tabs.List>
        <Tabs.Tab value="output">{t("Output")}</Tabs.Tab>
        <Tabs.Tab value="result">{t("Result")}</Tabs.Tab>
        <Tabs.Tab value="problems">
          {problems.length === 0 ? t("Problems") : t("Problems {count}", { count: problems.length })}
        </Tabs.Tab>
        <Tabs.Tab value="history">{t("History")}</Tabs.Tab>
      </Tabs.List>
      <Tabs.Panel value="output" className={classes.panel}>
        <OutputView running={running} paths={paths} onOpen={onOpen} />
      </Tabs.Panel>
      <Tabs.Panel value="result" className={classes.panel}>
        <ResultView running={running} paths={paths} onOpen={onOpen} />
      </Tabs.Panel>
      <Tabs.Panel value="problems" className={classes.panel}>
        <Problems problems={problems} onProblem={onProblem} />
      </Tabs.Panel>
      <Tabs.Panel value="history" className={classes.panel}>
        {tab === "history" && history()}
      </Tabs.Panel>
    </Tabs>
  );
}

const tabs: readonly PanelTab[] = ["output", "result", "problems", "history"];

function Problems({ problems, onProblem }: Pick<Props, "problems" | "onProblem">) {
  if (problems.length === 0) return <p className={classes.nothing}>{t("No problems found in this file.")}</p>;
  return (
    <ul className={classes.problems}>
      {problems.map((problem) => (
        <li key={`${problem.line}:${problem.column}`}>
          <button type="button" className={classes.problem} onClick={() => onProblem(problem)}>
            <span className={classes.place}>{t("line {line}", { line: problem.line })}</span>
            {problem.message}
          </button>
        </li>
      ))}
    </ul>
  );
}
