import type { Theme } from "@switchboard/protocol";
import { theme, type ThemeConfig } from "antd";
import { useEffect, useState } from "react";
import { dark, light, paint, type Palette } from "@/lib/palette";

export function themeConfig(p: Palette, mode: "light" | "dark"): ThemeConfig {
  return {
    algorithm: mode === "dark" ? theme.darkAlgorithm : theme.defaultAlgorithm,
    token: {
      colorPrimary: p.accent,
      colorInfo: p.info,
      colorSuccess: p.success,
      colorWarning: p.warning,
      colorError: p.danger,
      colorTextBase: p.text,
      colorBgBase: p.sheet,
      colorBgContainer: p.raised,
      colorBgElevated: p.raised,
      colorBgLayout: p.page,
      colorBorder: p.line,
      colorBorderSecondary: p.lineSoft,
      colorSplit: p.lineSoft,
      colorLink: p.accent,
      colorTextSecondary: p.text2,
      colorTextTertiary: p.text3,
      colorTextPlaceholder: p.text3,
      colorTextLightSolid: p.onAccent,
      controlItemBgHover: p.hover,
      controlItemBgActive: p.selected,
      controlItemBgActiveHover: p.selected,
      fontFamily: "var(--font)",
      fontFamilyCode: "var(--mono)",
      fontSize: 13,
      fontSizeSM: 12,
      controlHeight: 30,
      borderRadius: 6,
      borderRadiusLG: 8,
      wireframe: false,
      motionDurationMid: "0.12s",
      motionDurationSlow: "0.16s",
    },
    components: {
      Button: { primaryShadow: "none", defaultShadow: "none", dangerShadow: "none" },
      Table: { headerBg: p.panel, headerColor: p.text2, rowHoverBg: p.hover, cellPaddingBlock: 9 },
      Tabs: { horizontalItemGutter: 20 },
      Tooltip: { colorBgSpotlight: mode === "dark" ? "#34413f" : "#26312f", colorTextLightSolid: "#f4f2ec" },
      Segmented: { trackBg: p.page, itemSelectedBg: mode === "dark" ? "#2a3634" : p.raised },
      Tag: { defaultBg: p.hover },
    },
  };
}

const darkQuery = window.matchMedia("(prefers-color-scheme: dark)");

export function useMode(wanted: Theme): "light" | "dark" {
  const [system, setSystem] = useState(darkQuery.matches);
  useEffect(() => {
    const listen = () => setSystem(darkQuery.matches);
    darkQuery.addEventListener("change", listen);
    return () => darkQuery.removeEventListener("change", listen);
  }, []);
  const mode = wanted === "system" ? (system ? "dark" : "light") : wanted;
  useEffect(() => paint(paletteOf(mode), mode, document.documentElement), [mode]);
  return mode;
}

export const paletteOf = (mode: "light" | "dark"): Palette => (mode === "dark" ? dark : light);
