import i18next from "i18next";
import { initReactI18next } from "react-i18next";
import en from "@/locales/en.json";
import zh from "@/locales/zh-CN.json";
import { readStored, writeStored } from "./stored";

export type Language = "zh-CN" | "en";

export function chooseLanguage(wanted: string | null | undefined): Language {
  return wanted?.toLowerCase().startsWith("zh") ? "zh-CN" : "en";
}

export function startLanguage(): Promise<unknown> {
  const lng = chooseLanguage(readStored<string | null>("language", null) ?? navigator.language);
  document.documentElement.lang = lng;
  return i18next.use(initReactI18next).init({
    lng,
    fallbackLng: "en",
    resources: { "zh-CN": { translation: zh }, en: { translation: en } },
    interpolation: { escapeValue: false },
    returnNull: false,
  });
}

export function setLanguage(language: Language): void {
  writeStored("language", language);
  document.documentElement.lang = language;
  if (i18next.language !== language) void i18next.changeLanguage(language);
}

/** Picks the text of the current language from a server text in both. */
export function bilingual(text: { en: string; zh: string } | null | undefined, locale: string): string {
  if (!text) return "";
  return (locale.startsWith("zh") ? text.zh : text.en) || text.en || text.zh;
}
