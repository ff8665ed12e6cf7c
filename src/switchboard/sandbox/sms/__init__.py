"""Text messages by the interfaces of Twilio, Alibaba Cloud and Tencent Cloud."""
