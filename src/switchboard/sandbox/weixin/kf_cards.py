"""Messages other than text and files that a WeChat customer can send to a desk, with examples to fill them."""

from typing import Any

CARDS: dict[str, dict[str, Any]] = {
    "location": {
        "latitude": 31.2397,
        "longitude": 121.4903,
        "name": "外滩",
        "address": "上海市黄浦区中山东一路",
    },
    "link": {"title": "商品", "desc": "有货吗？", "url": "https://shop.example/item/1", "pic_url": ""},
    "business_card": {"userid": "lisi"},
    "miniprogram": {
        "title": "我的订单",
        "appid": "wx0000000000000001",
        "pagepath": "pages/order?id=1",
        "thumb_media_id": "",
    },
    "channels": {"sub_type": 1, "nickname": "Sandbox 视频号", "title": "新品开箱"},
    "channels_shop_product": {
        "product_id": "1001",
        "head_image": "https://shop.example/1.png",
        "title": "龙井茶 250g",
        "sales_price": "8800",
        "shop_nickname": "Sandbox 小店",
        "shop_head_image": "https://shop.example/shop.png",
    },
    "channels_shop_order": {
        "order_id": "3700000001",
        "product_titles": "龙井茶 250g",
        "price_wording": "88.00",
        "state": "待发货",
        "image_url": "https://shop.example/1.png",
        "shop_nickname": "Sandbox 小店",
    },
    "merged_msg": {
        "title": "群聊的聊天记录",
        "item": [
            {
                "send_time": 1735689600,
                "msgtype": "text",
                "sender_name": "小王",
                "msg_content": '{"text":{"content":"你好"}}',
            }
        ],
    },
    "meeting": {
        "title": "产品会议",
        "start_time": 1735693200,
        "end_time": 1735696800,
        "address": "线上",
        "meetingid": 1,
    },
    "schedule": {
        "title": "送货",
        "start_time": 1735693200,
        "end_time": 1735696800,
        "address": "上海",
        "schedule_id": 1,
    },
    "note": {},
}
