"""SMS by Alibaba Cloud (阿里云短信服务): templates to the mainland, plain text elsewhere, replies and reports."""

from switchboard.channels.sms_aliyun.channel import AliyunChannel

CHANNEL = AliyunChannel
