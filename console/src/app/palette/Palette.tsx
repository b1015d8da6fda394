import { Modal, ScrollArea, Text, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import IconSearch from "@tabler/icons-react/icons/IconSearch";
import { useNavigate } from "@tanstack/react-router";
import { type KeyboardEvent, useId, useMemo, useState } from "react";
import { type Command, useAllCommands, useCommands } from "@/commands/registry";
import { t } from "@/i18n";
import { Keys } from "@/ui/Keys";
import { findCommands } from "./find";
import { KeyHelp } from "./KeyHelp";
import classes from "./Palette.module.css";
import { usePlaces } from "./places";

/** Offers everything that can be done or gone to (`Ctrl-K`), and the keys of this screen (`?`). */
export function Palette() {
  const [isOpen, dialog] = useDisclosure(false);
  const [isHelpOpen, help] = useDisclosure(false);
  const own = useMemo<Command[]>(
    () => [
      { id: "palette", title: t("Search and commands"), group: t("Everywhere"), keys: "mod+k", run: dialog.open },
      { id: "keys", title: t("Keys of this screen"), group: t("Everywhere"), keys: "?", run: help.open },
      {
        id: "search",
        title: t("Search this screen"),
        group: t("Everywhere"),
        keys: "/",
        run: () => document.querySelector<HTMLElement>("[data-search]")?.focus(),
      },
    ],
    [dialog.open, help.open],
  );
  useCommands(own);
  return (
    <>
      <Modal opened={isOpen} onClose={dialog.close} title={t("Search and commands")} size="lg" yOffset="10vh">
        {isOpen && <Choice onDone={dialog.close} />}
      </Modal>
      <KeyHelp isOpen={isHelpOpen} onClose={help.close} />
    </>
  );
}

function Choice({ onDone }: { onDone: () => void }) {
  const listId = useId();
  const commands = useAllCommands();
  const places = usePlaces();
  const navigate = useNavigate();
  const [text, setText] = useState("");
  const [chosen, setChosen] = useState(0);
  const found = useMemo(() => {
    const goTo: Command[] = places.map((place) => ({
      id: place.href,
      title: place.title,
      group: place.group,
      run: () => navigate({ href: place.href }),
    }));
    return findCommands([...goTo, ...commands.filter(({ id }) => id !== "palette")], text).slice(0, 50);
  }, [places, commands, text, navigate]);
  const active = Math.min(chosen, found.length - 1);
  const run = (command: Command | undefined) => {
    if (command === undefined) return;
    onDone();
    command.run();
  };
  const onKey = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined && found.length > 0) {
      event.preventDefault();
      setChosen((active + step + found.length) % found.length);
    } else if (event.key === "Enter") {
      event.preventDefault();
      run(found[active]);
    }
  };
  return (
    <>
      <TextInput
        data-autofocus
        aria-label={t("Search pages and commands")}
        placeholder={t("Where to, or what to do?")}
        leftSection={<IconSearch size={16} aria-hidden />}
        role="combobox"
        aria-expanded
        aria-controls={listId}
        aria-activedescendant={found[active] ? `${listId}-${active}` : undefined}
        value={text}
        onChange={(event) => {
          setText(event.currentTarget.value);
          setChosen(0);
        }}
        onKeyDown={onKey}
      />
      <ScrollArea.Autosize mah="50vh" mt="xs" type="auto">
        <div role="listbox" id={listId} aria-label={t("Found")}>
          {found.map((command, index) => (
            // biome-ignore lint/a11y/useFocusableInteractive lint/a11y/useKeyWithClickEvents: the input has the focus and its keys choose
            <div
              key={command.id}
              id={`${listId}-${index}`}
              role="option"
              aria-selected={index === active}
              className={classes.option}
              ref={index === active ? (node) => node?.scrollIntoView({ block: "nearest" }) : undefined}
              onPointerMove={() => setChosen(index)}
              onClick={() => run(command)}
            >
              <bdi className={classes.title}>{command.title}</bdi>
              <Text span size="xs" c="dimmed">
                {command.group}
              </Text>
              {command.keys !== undefined && <Keys keys={command.keys} />}
            </div>
          ))}
        </div>
        {found.length === 0 && (
          <Text c="dimmed" p="sm">
            {t("Nothing is named “{text}” here.", { text })}
          </Text>
        )}
      </ScrollArea.Autosize>
    </>
  );
}
