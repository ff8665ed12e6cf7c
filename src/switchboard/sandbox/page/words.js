// Everything the page says, in both languages.
const words = {
  en: {
    title: "Sandbox", subtitle: "Play the customer", customers: "Customers", search: "Search", add: "New customer",
    newName: "Name", create: "Create", cancel: "Cancel", whatsapp: "WhatsApp", telegram: "Telegram", email: "E-mail",
    custom: "Custom", private: "Private chat", business: "Business", noAccount: "No account connected yet",
    noAccountHint: "Create one here, then enter its credentials in the product.", createAccount: "Create account",
    empty: "Say hello", emptyHint: "What you write arrives at the company's desk.", message: "Message",
    subject: "Subject", send: "Send", attach: "Attach", photo: "Photo or file", location: "Location",
    contact: "My contact card", voice: "Record voice", stop: "Stop", sticker: "As sticker", reply: "Reply", edit: "Edit",
    revoke: "Delete for everyone", edited: "edited", revoked: "This message was deleted", typing: "typing…",
    online: "online", blocked: "You blocked this business", unblock: "Unblock", block: "Block business", failed: "not delivered",
    open: "Open list", choose: "Choose", window: "Reply window", windowOpen: "open for", windowClosed: "closed",
    windowNone: "opens when the customer writes", connection: "Connection", webhook: "Webhook", none: "not set yet",
    waiting: "waiting", credentials: "Credentials", copied: "Copied", failures: "Make it fail", arm: "Arm",
    armed: "Armed", times: "times", time: "Sandbox time", reset: "Reset", received: "From the product",
    nothing: "Nothing yet", error: "Error code", http: "Proxy page 502", latency: "Answer slowly", drop_after: "Deliver, drop the answer",
    drop_before: "Cut the line", status: "Accept, then fail", seconds: "seconds", code: "code", hidePhone: "Hide phone number",
    person: "This customer", recording: "Recording…", noMicrophone: "The microphone is not available here.",
    sendLocation: "Send location", poll: "Poll", product: "Product", unsupported: "Unsupported message", document: "Document",
    places: ["The Bund, Shanghai", "KLCC Park, Kuala Lumpur", "Alexanderplatz, Berlin"], dark: "Dark", light: "Light",
    lastCall: "last call", ok: "arrived", retrying: "retrying", you: "You", keyboard: "Keyboard", link: "Opens a link",
    allChats: "Chats", readAuto: "Send read receipts", offline: "The sandbox cannot be reached. Trying again…",
  },
  zh: {
    title: "沙盒", subtitle: "扮演客户", customers: "客户", search: "搜索", add: "新建客户", newName: "姓名", create: "创建",
    cancel: "取消", whatsapp: "WhatsApp", telegram: "Telegram", email: "邮件", custom: "自定义", private: "私聊",
    business: "商业账号", noAccount: "还没有接入账号", noAccountHint: "先在这里创建，再把凭据填入产品。", createAccount: "创建账号",
    empty: "打个招呼吧", emptyHint: "您写的内容会到达企业的坐席工作台。", message: "消息", subject: "主题", send: "发送",
    attach: "附件", photo: "照片或文件", location: "位置", contact: "我的名片", voice: "录音", stop: "停止", sticker: "作为贴纸",
    reply: "回复", edit: "编辑", revoke: "撤回", edited: "已编辑", revoked: "此消息已撤回", typing: "正在输入…", online: "在线",
    blocked: "您已屏蔽该企业", unblock: "取消屏蔽", block: "屏蔽该企业", failed: "未送达", open: "打开列表", choose: "请选择",
    window: "回复窗口", windowOpen: "剩余", windowClosed: "已关闭", windowNone: "客户来消息后开启", connection: "连接",
    webhook: "回调地址", none: "尚未设置", waiting: "待投递", credentials: "凭据", copied: "已复制", failures: "制造故障",
    arm: "启用", armed: "已启用", times: "次", time: "沙盒时间", reset: "复位", received: "来自产品的消息", nothing: "暂无",
    error: "错误码", http: "代理页 502", latency: "延迟回答", drop_after: "已投递但丢弃回答", drop_before: "切断连接",
    status: "先接受后失败", seconds: "秒", code: "错误码", hidePhone: "隐藏手机号", person: "当前客户", recording: "正在录音…",
    noMicrophone: "此处无法使用麦克风。", sendLocation: "发送位置", poll: "投票", product: "商品", unsupported: "不支持的消息",
    document: "文件", places: ["上海外滩", "吉隆坡城中城公园", "柏林亚历山大广场"], dark: "深色", light: "浅色", lastCall: "最近一次",
    ok: "已送达", retrying: "重试中", you: "您", keyboard: "键盘", link: "打开链接", allChats: "会话", readAuto: "发送已读回执",
    offline: "无法连接沙盒，正在重试……",
  },
};

const saved = localStorage.getItem("sandbox.language");
let language = saved || (navigator.language.startsWith("zh") ? "zh" : "en");

export const t = (key) => words[language][key] ?? key;
export const currentLanguage = () => language;
export const locale = () => (language === "zh" ? "zh-CN" : "en");
export function switchLanguage() {
  language = language === "zh" ? "en" : "zh";
  localStorage.setItem("sandbox.language", language);
}
