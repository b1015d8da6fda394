import { describe, expect, test } from "vitest";
import type { Changes } from "./merge";
import { type KeptEdit, type Outside, type Source, Workspace } from "./workspace";

/** An app's source as the server keeps it, and a browser's storage beside it. */
class Server {
  versions: Source[] = [{ number: 1, files: new Map([["a.py", "1\n2\n3"]]) }];
  kept = new Map<string, KeptEdit>();
  isDown = false;
  losesAnswers = false;
  clock = 0;
  waiting: (() => void) | null = null;

  latest(): Source {
    const version = this.versions.at(-1);
    if (version === undefined) throw new Error("no version");
    return version;
  }

  put(changes: Changes, base: number): number {
    if (this.isDown) throw new Error("offline");
    if (base !== this.latest().number) throw new Error("conflict");
    const files = new Map(this.latest().files);
    for (const [path, text] of changes) {
      if (text === null) files.delete(path);
      else files.set(path, text);
    }
    this.versions.push({ number: base + 1, files });
    if (this.losesAnswers) throw new Error("offline");
    return base + 1;
  }

  open(): Workspace {
    const outside: Outside = {
      save: async (changes, base) => this.put(changes, base),
      load: async (number) => this.versions.find((version) => version.number === number) ?? this.latest(),
      keep: (edit) => this.kept.set(`${edit.path} ${edit.base}`, edit),
      forget: ({ path, base }) => this.kept.delete(`${path} ${base}`),
      failure: (error) => {
        const word = error instanceof Error ? error.message : "";
        return word === "offline" || word === "conflict" ? word : "refused";
      },
      now: () => ++this.clock,
      soon: (tell) => {
        this.waiting = tell;
        return () => {
          this.waiting = null;
        };
      },
    };
    return new Workspace(this.latest(), outside);
  }
}

describe("a workspace", () => {
  test("knows its own version where the answer to a save was lost, and saves what was typed since", async () => {
    const server = new Server();
    const workspace = server.open();
    workspace.edit("a.py", "sent");
    server.losesAnswers = true;
    expect(await workspace.save()).toBeNull();
    expect(workspace.read().state).toBe("offline");
    workspace.edit("a.py", "sent and more");
    server.losesAnswers = false;
    expect(await workspace.save()).toBe(3);
    expect(workspace.read()).toMatchObject({ state: "saved", conflict: null });
    expect(server.versions.map(({ files }) => files.get("a.py"))).toEqual(["1\n2\n3", "sent", "sent and more"]);
  });

  test("tells of the first key at once, of those that follow once the keys rest", () => {
    const server = new Server();
    const workspace = server.open();
    let told = 0;
    workspace.subscribe(() => {
      told += 1;
    });
    for (const text of ["x", "xy", "xyz"]) workspace.edit("a.py", text);
    expect(told).toBe(1);
    expect(workspace.read().edits.get("a.py")).toBe("xyz");
    server.waiting?.();
    expect(told).toBe(2);
    // Back at the saved text: nothing is unsaved any more.
    workspace.edit("a.py", "1\n2\n3");
    expect(told).toBe(3);
    expect(server.waiting).toBeNull();
  });

  test("keeps each edit outside until it is saved, and forgets it when it is undone", async () => {
    const server = new Server();
    const workspace = server.open();
    workspace.edit("a.py", "x");
    expect([...server.kept.values()]).toEqual([{ path: "a.py", base: 1, text: "x", changedAt: 1 }]);
    workspace.edit("a.py", "1\n2\n3");
    expect(workspace.read().state).toBe("saved");
    expect(server.kept.size).toBe(0);
    workspace.edit("b.py", "new");
    expect(await workspace.save()).toBe(2);
    expect(workspace.read().state).toBe("saved");
    expect(server.kept.size).toBe(0);
    expect(server.latest().files.get("b.py")).toBe("new");
  });

  test("goes on after a reload, also on a version that is no longer the latest, and then merges", async () => {
    const server = new Server();
    server.open().edit("a.py", "mine\n2\n3");
    server.put(new Map([["a.py", "1\n2\ntheirs"]]), 1);
    const reloaded = server.open();
    expect(await reloaded.resume([...server.kept.values()])).toHaveLength(1);
    expect(reloaded.text("a.py")).toBe("mine\n2\n3");
    expect(await reloaded.save()).toBeNull();
    const { conflict, state } = reloaded.read();
    expect(state).toBe("conflict");
    expect(conflict?.files.map(({ text, conflicts }) => [text, conflicts])).toEqual([["mine\n2\ntheirs", 0]]);
    const resolved = new Map(conflict?.files.map(({ path, text }) => [path, text]));
    expect(await reloaded.resolve(resolved, "merged")).toBe(3);
    expect(server.latest().files.get("a.py")).toBe("mine\n2\ntheirs");
    expect(server.kept.size).toBe(0);
  });

  test("says that it is offline, loses nothing, and saves when asked again", async () => {
    const server = new Server();
    const workspace = server.open();
    workspace.edit("a.py", "x");
    server.isDown = true;
    expect(await workspace.save()).toBeNull();
    expect(workspace.read().state).toBe("offline");
    workspace.edit("a.py", "xy");
    expect(workspace.read().state).toBe("offline");
    server.isDown = false;
    expect(await workspace.save()).toBe(2);
    expect(server.latest().files.get("a.py")).toBe("xy");
  });

  test("what is typed while it saves stays, kept under the new version", async () => {
    const server = new Server();
    const workspace = server.open();
    workspace.edit("a.py", "x");
    const saved = workspace.save();
    workspace.edit("a.py", "xy");
    expect(await saved).toBe(2);
    expect(workspace.read().state).toBe("unsaved");
    expect([...server.kept.values()].map(({ base, text }) => [base, text])).toEqual([[2, "xy"]]);
    expect(await workspace.save()).toBe(3);
  });

  test("takes what others save elsewhere, but not below an edit of the same file", async () => {
    const server = new Server();
    const workspace = server.open();
    workspace.edit("mine.py", "m");
    server.put(new Map([["a.py", "theirs"]]), 1);
    workspace.rebase(server.latest());
    expect(workspace.text("a.py")).toBe("theirs");
    expect(await workspace.save()).toBe(3);
    workspace.edit("a.py", "mine");
    server.put(new Map([["a.py", "theirs again"]]), 3);
    workspace.rebase(server.latest());
    expect(workspace.text("a.py")).toBe("mine");
    expect(workspace.read().base.number).toBe(3);
  });

  test("a rename is saved alone; other edits stay edits", async () => {
    const server = new Server();
    const workspace = server.open();
    workspace.edit("other.py", "o");
    const rename = new Map([
      ["a.py", null],
      ["b.py", "1"],
    ]);
    expect(await workspace.commit(rename, "renamed")).toBe(2);
    expect([...server.latest().files.keys()]).toEqual(["b.py"]);
    expect([...workspace.read().edits.keys()]).toEqual(["other.py"]);
    expect([...server.kept.values()].map(({ path, base }) => [path, base])).toEqual([["other.py", 2]]);
  });
});

/** Two people who edit and save at random, as often as not without having seen each other's versions. */
test("whatever two people do, no version is lost and every line saved without a conflict is in a version", async () => {
  for (let seed = 1; seed <= 60; seed += 1) {
    let state = seed;
    const next = (max: number) => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
      return (state >> 8) % max;
    };
    const server = new Server();
    const people = [server.open(), server.open()];
    const lines: string[] = [];
    for (let step = 0; step < 30; step += 1) {
      const workspace = people[next(2)];
      if (workspace === undefined) continue;
      if (next(3) > 0) {
        const line = `line ${step}`;
        lines.push(line);
        const text = (workspace.text("a.py") ?? "").split("\n");
        text.splice(next(text.length + 1), 0, line);
        workspace.edit("a.py", text.join("\n"));
      } else if ((await workspace.save()) === null) {
        const files = workspace.read().conflict?.files ?? [];
        // Both sides of every conflict are kept, as a careful person would.
        const both = files.map(({ path, text, theirs, conflicts }): [string, string | null] => [
          path,
          conflicts === 0 ? text : `${text}\n${theirs}`,
        ]);
        await workspace.resolve(new Map(both), "");
      }
    }
    for (const workspace of people) {
      if ((await workspace.save()) !== null) continue;
      const files = workspace.read().conflict?.files ?? [];
      const both = files.map(({ path, text, theirs }): [string, string] => [path, `${text}\n${theirs}`]);
      await workspace.resolve(new Map(both), "");
    }
    const saved = server.latest().files.get("a.py") ?? "";
    for (const line of lines) expect(saved.split("\n")).toContain(line);
    expect(server.kept.size).toBe(0);
  }
});
