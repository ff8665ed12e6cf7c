import { chat } from "./chat";

App({
  /** Also when the app comes back to the front. */
  onShow() {
    void chat.start();
    wx.onNetworkStatusChange(({ isConnected }) => {
      if (isConnected) chat.wake();
    });
  },

  onHide() {
    wx.offNetworkStatusChange();
    chat.stop();
  },
});
