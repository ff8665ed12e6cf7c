"""SMS by Tencent Cloud (腾讯云短信): approved templates at home and abroad, replies and reports pushed to a secret address."""

from switchboard.channels.sms_tencent.channel import TencentChannel

CHANNEL = TencentChannel
