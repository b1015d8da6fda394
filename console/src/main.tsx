import { setNonce } from "get-nonce";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
// Before everything that has rules of its own: the later one of two equals wins.
import "@/theme/mantine.css";
import "@/theme/global.css";
import { App } from "@/app/App";
import { watchForMissingParts } from "@/app/version/missing-parts";

const nonce = document.querySelector<HTMLMetaElement>('meta[name="csp-nonce"]')?.content ?? "";
// For the scroll lock of dialogs and menus, which writes a style element.
setNonce(nonce);

watchForMissingParts();

const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no #root");
createRoot(root).render(
  <StrictMode>
    <App nonce={nonce} />
  </StrictMode>,
);
