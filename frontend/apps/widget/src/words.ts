/** Everything that the widget says, in both languages. */
import type { Language } from "./options";

const en = {
  open: "Open chat",
  openUnread: "Open chat, {n} unread",
  close: "Close",
  online: "We are online",
  away: "We are away right now",
  reconnecting: "Connecting again…",
  queue: "You are number {n} in line",
  write: "Write a message…",
  send: "Send",
  attach: "Attach files",
  emoji: "Emoji",
  drop: "Drop files to send them",
  today: "Today",
  yesterday: "Yesterday",
  newMessages: "New messages",
  conversation: "Conversation",
  you: "You",
  waiting: "Sending…",
  uploading: "Uploading {n} %",
  sent: "Sent",
  read: "Read",
  failed: "Not sent",
  retry: "Try again",
  discard: "Remove",
  cancel: "Cancel",
  edited: "edited",
  recalled: "This message was withdrawn",
  typing: "{name} is typing",
  someone: "Support",
  image: "Image",
  openOriginal: "Open original",
  fetching: "On its way…",
  lost: "This file could not be loaded",
  location: "Location",
  unsupported: "This kind of message cannot be shown here",
  offlineTitle: "Leave us a message",
  offlineHere: "We will answer right here as soon as we are back.",
  offlineMail: "We will answer here and by e-mail.",
  offlineThanks: "Thank you. We will also write to {email}.",
  email: "E-mail",
  name: "Name",
  phone: "Phone",
  save: "Save",
  badEmail: "Please check the e-mail address",
  preTitle: "Before we start",
  preText: "So that we know who we are talking to.",
  start: "Start chat",
  skip: "Skip",
  tooLarge: "{name} is larger than {size}",
  tooMany: "Up to {n} files at a time",
  offlineError: "No connection",
  refused: "The server did not accept it",
} as const;

export type Word = keyof typeof en;

const zh: Record<Word, string> = {
  open: "打开在线咨询",
  openUnread: "打开在线咨询，{n} 条未读",
  close: "关闭",
  online: "客服在线",
  away: "客服暂时不在线",
  reconnecting: "正在重新连接…",
  queue: "正在排队，您是第 {n} 位",
  write: "请输入消息…",
  send: "发送",
  attach: "发送图片或文件",
  emoji: "表情",
  drop: "松开鼠标即可发送文件",
  today: "今天",
  yesterday: "昨天",
  newMessages: "有新消息",
  conversation: "对话内容",
  you: "您",
  waiting: "发送中…",
  uploading: "上传中 {n}%",
  sent: "已发送",
  read: "已读",
  failed: "发送失败",
  retry: "重试",
  discard: "删除",
  cancel: "取消",
  edited: "已编辑",
  recalled: "此消息已撤回",
  typing: "{name}正在输入",
  someone: "客服",
  image: "图片",
  openOriginal: "查看原图",
  fetching: "正在接收…",
  lost: "文件无法加载",
  location: "位置",
  unsupported: "此类消息暂时无法在这里显示",
  offlineTitle: "请给我们留言",
  offlineHere: "客服上线后会第一时间在这里回复您。",
  offlineMail: "我们会在这里回复，并发送邮件给您。",
  offlineThanks: "谢谢！我们也会回复到 {email}。",
  email: "邮箱",
  name: "称呼",
  phone: "手机号",
  save: "保存",
  badEmail: "请检查邮箱地址",
  preTitle: "开始咨询前",
  preText: "留下您的信息，方便我们更好地为您服务。",
  start: "开始咨询",
  skip: "跳过",
  tooLarge: "{name} 超过 {size}，无法发送",
  tooMany: "一次最多发送 {n} 个文件",
  offlineError: "网络未连接",
  refused: "服务器未接受此消息",
};

const WORDS: Record<Language, Record<Word, string>> = { en, zh };

export type Say = (word: Word, values?: Record<string, string | number>) => string;

export function speak(language: Language): Say {
  return (word, values = {}) =>
    WORDS[language][word].replace(/\{(\w+)\}/g, (_, name: string) => String(values[name] ?? ""));
}

const LOCALES: Record<Language, string> = { en: "en", zh: "zh-CN" };

export function clock(at: string, language: Language): string {
  return new Date(at).toLocaleTimeString(LOCALES[language], {
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  });
}

/** The heading above the messages of one day, in the visitor's own time zone. */
export function day(at: string, now: Date, language: Language): string {
  const date = new Date(at);
  const midnight = (d: Date) => new Date(d.getFullYear(), d.getMonth(), d.getDate()).getTime();
  const ago = Math.round((midnight(now) - midnight(date)) / 86_400_000);
  if (ago === 0) return speak(language)("today");
  if (ago === 1) return speak(language)("yesterday");
  const year = date.getFullYear() === now.getFullYear() ? undefined : "numeric";
  return date.toLocaleDateString(LOCALES[language], {
    year,
    month: "long",
    day: "numeric",
    weekday: "short",
  });
}

export function fileSize(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 1_000_000) return `${Math.round(bytes / 1000)} kB`;
  return `${(bytes / 1_000_000).toFixed(bytes < 10_000_000 ? 1 : 0)} MB`;
}
