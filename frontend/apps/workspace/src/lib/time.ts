import { useEffect, useState } from "react";

const DAY = 86_400_000;

const formats = new Map<string, Intl.DateTimeFormat>();

function format(locale: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = locale + JSON.stringify(options);
  let found = formats.get(key);
  if (!found) {
    found = new Intl.DateTimeFormat(locale, options);
    formats.set(key, found);
  }
  return found;
}

function daysBetween(then: Date, now: Date): number {
  const midnight = (d: Date) => new Date(d.getFullYear(), d.getMonth(), d.getDate()).getTime();
  return Math.round((midnight(now) - midnight(then)) / DAY);
}

export const clock = (at: string | number, locale: string): string =>
  format(locale, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(new Date(at));

export const fullTime = (at: string | number, locale: string): string =>
  format(locale, { dateStyle: "medium", timeStyle: "short", hourCycle: "h23" }).format(new Date(at));

/** Shortest time that is still clear in a list: 14:05, Yesterday, Tue, 3 Aug, 2025/8/3. */
export function listTime(at: string, now: number, locale: string): string {
  const then = new Date(at);
  const days = daysBetween(then, new Date(now));
  if (days <= 0) return clock(at, locale);
  if (days === 1) return relativeDay(-1, locale);
  if (days < 7) return format(locale, { weekday: "short" }).format(then);
  if (then.getFullYear() === new Date(now).getFullYear())
    return format(locale, { month: "numeric", day: "numeric" }).format(then);
  return format(locale, { year: "2-digit", month: "numeric", day: "numeric" }).format(then);
}

function relativeDay(days: number, locale: string): string {
  const word = new Intl.RelativeTimeFormat(locale, { numeric: "auto" }).format(days, "day");
  return word.charAt(0).toUpperCase() + word.slice(1);
}

/** Heading between two days of a timeline. */
export function dayLabel(at: string, now: number, locale: string): string {
  const then = new Date(at);
  const days = daysBetween(then, new Date(now));
  if (days >= 0 && days <= 1) return relativeDay(-days, locale);
  const year = then.getFullYear() === new Date(now).getFullYear() ? undefined : "numeric";
  return format(locale, { year, month: "long", day: "numeric", weekday: "short" }).format(then);
}

export const sameDay = (a: string, b: string): boolean => daysBetween(new Date(a), new Date(b)) === 0;

/** How long somebody waits, in at most two units: 40s, 12m, 3h 5m, 2d. */
export function duration(ms: number, locale: string): string {
  const zh = locale.startsWith("zh");
  const s = Math.max(0, Math.floor(ms / 1000));
  const unit = (n: number, en: string, cn: string) => (zh ? `${n} ${cn}` : `${n}${en}`);
  if (s < 60) return unit(s, "s", "秒");
  const m = Math.floor(s / 60);
  if (m < 60) return unit(m, "m", "分钟");
  const h = Math.floor(m / 60);
  if (h < 24) return unit(h, "h", "小时") + (m % 60 ? ` ${unit(m % 60, "m", "分")}` : "");
  const rest = h < 72 && h % 24 ? ` ${unit(h % 24, "h", "小时")}` : "";
  return unit(Math.floor(h / 24), "d", "天") + rest;
}

/** Minutes and seconds of a recording. */
export function playTime(seconds: number): string {
  const s = Math.round(seconds);
  return `${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")}`;
}

const listeners = new Set<() => void>();
let ticker: ReturnType<typeof setInterval> | undefined;

/** The time of day, renewed every ten seconds for all waiting-time labels together. */
export function useNow(): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const tick = () => setNow(Date.now());
    listeners.add(tick);
    ticker ??= setInterval(() => listeners.forEach((f) => f()), 10_000);
    return () => {
      listeners.delete(tick);
      if (listeners.size === 0) {
        clearInterval(ticker);
        ticker = undefined;
      }
    };
  }, []);
  return now;
}
