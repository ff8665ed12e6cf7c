import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { App as AntApp, ConfigProvider } from "antd";
import enUS from "antd/locale/en_US";
import zhCN from "antd/locale/zh_CN";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { usePreferences } from "@/lib/preferences";
import { queries } from "@/sync/session";
import { router } from "./router";
import { paletteOf, themeConfig, useMode } from "./theme";

export function Root() {
  const mode = useMode(usePreferences((s) => s.theme));
  const { i18n } = useTranslation();
  const config = useMemo(() => themeConfig(paletteOf(mode), mode), [mode]);
  return (
    <ConfigProvider
      theme={config}
      locale={i18n.language === "zh-CN" ? zhCN : enUS}
      button={{ autoInsertSpace: false }}
      modal={{ centered: true }}
    >
      <AntApp message={{ maxCount: 3, top: 56 }} style={{ height: "100%" }}>
        <QueryClientProvider client={queries}>
          <RouterProvider router={router} />
        </QueryClientProvider>
      </AntApp>
    </ConfigProvider>
  );
}
