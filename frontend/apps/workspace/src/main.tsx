import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import "./app/global.css";
import { startLanguage } from "./lib/i18n";
import { Root } from "./app/root";

const place = document.getElementById("root");
if (place) {
  void startLanguage().then(() =>
    createRoot(place).render(
      <StrictMode>
        <Root />
      </StrictMode>,
    ),
  );
}
