"""Known answers of the hash that PayU India and Easebuzz share, with the salt ``salt1`` and the key ``key1``."""

FIELDS = {
    "status": "success",
    "email": "pat@example.com",
    "firstname": "Pat",
    "productinfo": "Thing",
    "amount": "10.50",
    "txnid": "txn_1",
    "mihpayid": "1",
}
# By `openssl dgst -sha512` of salt1|success|||||||||||pat@example.com|Pat|Thing|10.50|txn_1|key1;
PLAIN = (
    "955d5e4a966764c810b8cf22c25c4b9261b20cd9adde72f2808e7d442e1b0de7"
    "fd21d3d3699995f14eccc4624319fa558e15bb3cfac9c9d5e88acfb28cca8bdc"
)
# the same after 1.25|;
CHARGED = (
    "92a4071dc5f0a468115c48d17d8d6ff867e58c911677b76d2145613bb280428f"
    "f813edd493593fba979930476c02123fcde9d20cb37d0e6201a705555b6c6ab8"
)
# and with u1 as udf1.
WITH_UDF = (
    "67a6a0b069d0ba1f35b30a4baa7e29886f149353ed74ab8c9658202985fc65f4"
    "dd4b1dafc517bbf7c2392913f035dd5e06240221925f8ef1017cc8325b138e3a"
)
