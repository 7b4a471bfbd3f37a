"""An authenticator app: reads a link, shows the code of a time, and says whether another's is the same."""

import json
import sys

import pyotp

asked = json.loads(sys.argv[1])
app = pyotp.parse_uri(asked["uri"])
said = {
    "name": app.name,
    "issuer": app.issuer,
    "code": app.at(asked["at"]),
    "takes": [app.verify(code, for_time=asked["at"]) for code in asked["codes"]],
}
print(json.dumps(said))
