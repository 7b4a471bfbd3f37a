"""Posts a text message to a provider that is elsewhere than Twilio's own, and says what became of it."""

import json
import sys

from twilio.rest import Client

asked = json.loads(sys.argv[1])
client = Client(asked["account"], asked["token"])
client.api.base_url = asked["url"]
message = client.messages.create(**asked["message"])
print(json.dumps({"sid": message.sid, "status": message.status, "error_code": message.error_code}))
