const fence = /^```/;
/** Links into the library, which has no page here. */
const links = /^Go to \[/;

/** Shows what a language server says of a name. It is somebody's text: nothing in it becomes markup. */
export function documentationOf(markdown: string): HTMLElement {
  const root = document.createElement("div");
  root.className = "am-documentation";
  let code: string[] | null = null;
  let words: string[] = [];
  const paragraph = () => {
    const text = words.join(" ").trim();
    if (text !== "") append(root, "p", text);
    words = [];
  };
  for (const line of markdown.split("\n")) {
    if (fence.test(line)) {
      paragraph();
      if (code === null) code = [];
      else {
        append(root, "pre", code.join("\n"));
        code = null;
      }
    } else if (code !== null) code.push(line);
    else if (line.trim() === "" || line.trim() === "---") paragraph();
    else if (!links.test(line)) words.push(line.trim());
  }
  if (code !== null) append(root, "pre", code.join("\n"));
  paragraph();
  return root;
}

function append(root: HTMLElement, name: string, text: string): void {
  const element = document.createElement(name);
  element.textContent = text;
  root.append(element);
}
