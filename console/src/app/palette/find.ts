import type { Command } from "@/commands/registry";

/** Returns the commands whose title or group has every word of `text`; those whose title begins with it come first. */
export function findCommands(commands: readonly Command[], text: string): Command[] {
  const typed = text.trim().toLocaleLowerCase();
  const words = typed.split(/\s+/).filter(Boolean);
  const found = commands.filter(({ title, group }) => {
    const all = `${title} ${group}`.toLocaleLowerCase();
    return words.every((word) => all.includes(word));
  });
  const rank = ({ title }: Command) => {
    const name = title.toLocaleLowerCase();
    if (typed === "" || name.startsWith(typed)) return 0;
    return words.every((word) => name.includes(word)) ? 1 : 2;
  };
  return found
    .map((command, index) => ({ command, index, rank: rank(command) }))
    .sort((one, other) => one.rank - other.rank || one.index - other.index)
    .map(({ command }) => command);
}
