"""WeChat's service accounts and mini-programs, and WeCom's customer service: what Tencent's servers do for each."""
