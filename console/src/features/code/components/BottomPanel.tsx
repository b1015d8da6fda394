import { Tabs } from "@mantine/core";
import type { ReactNode } from "react";
import { t } from "@/i18n";
import type { Problem } from "../editor/problems";
import type { Use } from "../editor/server/commands";
import type { Running } from "../model/use-run";
import classes from "./BottomPanel.module.css";
import { OutputView } from "./OutputView";
import { ResultView } from "./ResultView";

export type PanelTab = "output" | "result" | "problems" | "uses" | "history";

type Props = {
  tab: PanelTab;
  onTab: (tab: PanelTab) => void;
  running: Running;
  problems: readonly Problem[];
  /** Where the name is used that was asked for last. */
  uses: readonly Use[];
  onUse: (use: Use) => void;
  paths: ReadonlySet<string>;
  onOpen: (path: string, line: number) => void;
  onProblem: (problem: Problem) => void;
  history: () => ReactNode;
};

/** What a run says and returns, what is wrong with the text, and the versions before. */
export function BottomPanel(props: Props) {
  const { tab, onTab, running, problems, uses, onUse, paths, onOpen, onProblem, history } = props;
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
        {uses.length > 0 && <Tabs.Tab value="uses">{t("Uses {count}", { count: uses.length })}</Tabs.Tab>}
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
      <Tabs.Panel value="uses" className={classes.panel}>
        <Uses uses={uses} onUse={onUse} />
      </Tabs.Panel>
      <Tabs.Panel value="history" className={classes.panel}>
        {tab === "history" && history()}
      </Tabs.Panel>
    </Tabs>
  );
}

const tabs: readonly PanelTab[] = ["output", "result", "problems", "uses", "history"];

function Problems({ problems, onProblem }: Pick<Props, "problems" | "onProblem">) {
  if (problems.length === 0) return <p className={classes.nothing}>{t("No problems found in this file.")}</p>;
  return (
    <ul className={classes.problems}>
      {problems.map((problem) => (
        <li key={`${problem.line}:${problem.column}:${problem.message}`}>
          <button type="button" className={classes.problem} onClick={() => onProblem(problem)}>
            <span className={classes.place}>{t("line {line}", { line: problem.line })}</span>
            {problem.message}
          </button>
        </li>
      ))}
    </ul>
  );
}

function Uses({ uses, onUse }: Pick<Props, "uses" | "onUse">) {
  return (
    <ul className={classes.problems}>
      {uses.map((use) => (
        <li key={`${use.path}:${use.line}:${use.column}`}>
          <button type="button" className={classes.problem} onClick={() => onUse(use)}>
            <bdi>{use.path}</bdi>
            <span>{t("line {line}", { line: use.line })}</span>
          </button>
        </li>
      ))}
    </ul>
  );
}
