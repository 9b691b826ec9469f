#!/usr/bin/env python3
"""Writes vectors.txt: tokens made by PyJWT and python3-cryptography, so by nothing the verifier shares code with, and
what the verifier has to say of each. The keys are made anew at each run; the output is checked in.

key <name> <algorithm> <base64 of the HMAC secret or of the public key in PEM>
token <name> <expected fault> <fixed keys, or -> <published keys by kid, or -> <token>
"""
import base64
import hashlib
import hmac
import json
import sys

import jwt
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

NOW = 1_700_000_000
CLAIMS = {"sub": "ann", "iss": "https://issuer.example", "aud": "lcg", "iat": NOW - 60, "exp": NOW + 3600, "jti": "t1"}
out = []
private = {}
public_pem = {}


def b64u(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def part(value):
    return b64u(value if isinstance(value, bytes) else json.dumps(value, separators=(",", ":")).encode())


def add_key(name, alg, material):
    out.append(f"key {name} {alg} {base64.b64encode(material).decode()}")


def add_pair(name, alg, key):
    private[name] = key
    public_pem[name] = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    add_key(name, alg, public_pem[name])


def token(name, fault, fixed, published, text):
    out.append(f"token {name} {fault} {fixed or '-'} {published or '-'} {text}")


def sign_hs(text, secret, digest=hashlib.sha256):
    return hmac.new(secret, text.encode(), digest).digest()


def hand(header, payload, sign=None, secret=None):
    """A token put together by hand: header and payload are objects or bytes."""
    text = part(header) + "." + part(payload)
    return text + "." + b64u((sign or (lambda t: sign_hs(t, secret or SECRET)))(text))


SECRET = b"0123456789abcdef0123456789abcdef"
add_key("hs256", "HS256", SECRET)
add_key("hs384", "HS384", SECRET + b"3" * 16)
add_key("hs512", "HS512", SECRET * 2)
add_pair("rs256", "RS256", rsa.generate_private_key(65537, 2048))
add_pair("rs384", "RS384", rsa.generate_private_key(65537, 2048))
add_pair("rs512", "RS512", rsa.generate_private_key(65537, 3072))
for n in ("256", "384", "512"):
    add_pair("ps" + n, "PS" + n, rsa.generate_private_key(65537, 2048))
add_pair("es256", "ES256", ec.generate_private_key(ec.SECP256R1()))
add_pair("es384", "ES384", ec.generate_private_key(ec.SECP384R1()))
add_pair("es512", "ES512", ec.generate_private_key(ec.SECP521R1()))
add_pair("ed25519", "EdDSA", ed25519.Ed25519PrivateKey.generate())
secrets = {"hs256": SECRET, "hs384": SECRET + b"3" * 16, "hs512": SECRET * 2}

# --- good ones, by fixed key and by kid ------------------------------------------------------------------------
algs = {n: n.upper() for n in [*secrets, "rs256", "rs384", "rs512", "ps256", "ps384", "ps512", "es256", "es384", "es512"]}
algs["ed25519"] = "EdDSA"
for name, alg in algs.items():
    key = secrets.get(name) or private[name]
    token(f"good-{name}", "none", name, "", jwt.encode(CLAIMS, key, algorithm=alg))
    token(f"tampered-{name}", "forged", name, "",
          (lambda t: ".".join([t.split(".")[0], part({**CLAIMS, "sub": "eve"}), t.split(".")[2]]))(jwt.encode(CLAIMS, key, algorithm=alg)))
    if name not in secrets:
        token(f"kid-{name}", "none", "", name, jwt.encode(CLAIMS, key, algorithm=alg, headers={"kid": name}))

# --- alg none, in every spelling and with every signature -------------------------------------------------------
for spelling in ("none", "None", "NONE", "nOnE", "", "none ", " none", "null"):
    label = spelling.replace(" ", "_") or "empty"
    token(f"none-{label}-unsigned", "malformed", "hs256,rs256", "", part({"alg": spelling}) + "." + part(CLAIMS) + ".")
    token(f"none-{label}-signed", "malformed", "hs256,rs256", "", hand({"alg": spelling}, CLAIMS))
for label, alg in (("null", None), ("number", 1), ("list", ["HS256"]), ("object", {"HS256": 1}), ("lower", "hs256"), ("unknown", "XS256")):
    token(f"alg-{label}", "malformed", "hs256", "", hand({"alg": alg}, CLAIMS))
token("alg-missing", "malformed", "hs256", "", hand({"typ": "JWT"}, CLAIMS))
good = jwt.encode(CLAIMS, SECRET, algorithm="HS256")
token("signature-empty", "malformed", "hs256", "", good.rsplit(".", 1)[0] + ".")
token("signature-short", "forged", "hs256", "", good.rsplit(".", 1)[0] + "." + b64u(b"x" * 31))
token("signature-truncated", "forged", "hs256", "", good.rsplit(".", 1)[0] + "." + b64u(sign_hs(good.rsplit(".", 1)[0], SECRET)[:16]))
token("hs512-with-hs256-key", "unknown_key", "hs256", "", jwt.encode(CLAIMS, SECRET, algorithm="HS512"))

# --- HMAC with a public key as the secret (RFC 8725 2.1): PEM, DER, JWK text -------------------------------------
for name, alg in (("rs256", "RS256"), ("es256", "ES256"), ("ed25519", "EdDSA")):
    public = private[name].public_key()
    der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    jwk = {"rs256": lambda: jwt.algorithms.RSAAlgorithm.to_jwk(public),
           "es256": lambda: jwt.algorithms.ECAlgorithm.to_jwk(public),
           "ed25519": lambda: jwt.algorithms.OKPAlgorithm.to_jwk(public)}[name]()
    for label, secret in (("pem", public_pem[name]), ("der", der), ("jwk", jwk.encode())):
        for kid in ({}, {"kid": name}):
            token(f"hmac-with-{name}-{label}{'-kid' if kid else ''}", "forged" if kid else "unknown_key", name, name if kid else "",
                  hand({"alg": "HS256", **kid}, CLAIMS, secret=secret))
    # The algorithm of another family, or of a sibling, by the key's kid.
    for other in ("HS256", "RS384", "ES384", "PS256"):
        token(f"{other}-with-kid-of-{name}", "forged", "", name, hand({"alg": other, "kid": name}, CLAIMS))
token("rs256-as-ps256", "forged", "", "rs256", (lambda t: t + "." + b64u(private["rs256"].sign(t.encode(), padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())))(part({"alg": "PS256", "kid": "rs256"}) + "." + part(CLAIMS)))

# --- kid is a map key only ----------------------------------------------------------------------------------------
for label, kid in (("path", "../../../../dev/null"), ("sql", "' UNION SELECT 'x"), ("url", "http://127.0.0.1:1/key"), ("unknown", "nobody"), ("nul", "rs256\0"), ("upper", "RS256")):
    token(f"kid-{label}", "unknown_key", "", "rs256", jwt.encode(CLAIMS, private["rs256"], algorithm="RS256", headers={"kid": kid}))
token("kid-10k", "malformed", "", "rs256", hand({"alg": "HS256", "kid": "k" * 10240}, {"sub": "a"}))
token("kid-257", "malformed", "", "rs256", hand({"alg": "HS256", "kid": "k" * 257}, CLAIMS))
token("kid-empty", "malformed", "hs256", "", hand({"alg": "HS256", "kid": ""}, CLAIMS))
token("kid-number", "malformed", "hs256", "", hand({"alg": "HS256", "kid": 1}, CLAIMS))
token("kid-null", "malformed", "hs256", "", hand({"alg": "HS256", "kid": None}, CLAIMS))
token("kid-duplicate", "malformed", "hs256", "", hand(b'{"alg":"HS256","kid":"a","kid":"b"}', CLAIMS))
token("alg-duplicate", "malformed", "hs256", "", hand(b'{"alg":"HS256","alg":"none"}', CLAIMS))
token("alg-duplicate-escaped", "malformed", "hs256", "", hand(b'{"alg":"HS256","\\u0061lg":"none"}', CLAIMS))

# --- headers that want to be obeyed ---------------------------------------------------------------------------------
attacker = rsa.generate_private_key(65537, 2048)
attacker_jwk = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(attacker.public_key()))
for label, header in (("jwk", {"jwk": attacker_jwk}), ("jku", {"jku": "http://127.0.0.1:1/"}), ("x5u", {"x5u": "http://127.0.0.1:1/"}), ("x5c", {"x5c": ["MIIB"]})):
    token(f"{label}-of-attacker", "forged", "rs256", "", jwt.encode(CLAIMS, attacker, algorithm="RS256", headers=header))
    token(f"{label}-ignored", "none", "rs256", "", jwt.encode(CLAIMS, private["rs256"], algorithm="RS256", headers=header))
for label, header in (("crit", {"crit": ["exp"]}), ("crit-empty", {"crit": []}), ("crit-null", {"crit": None}), ("b64-false", {"b64": False, "crit": ["b64"]}),
                      ("b64-alone", {"b64": False}), ("zip", {"zip": "DEF"}), ("enc", {"enc": "A128GCM"}), ("cty-jwt", {"cty": "JWT"}), ("typ-logout", {"typ": "logout+jwt"}),
                      ("typ-dpop", {"typ": "dpop+jwt"}), ("typ-number", {"typ": 1}), ("typ-empty", {"typ": ""})):
    token(label, "malformed", "hs256", "", hand({"alg": "HS256", **header}, CLAIMS))
for typ in ("JWT", "jwt", "at+jwt", "application/at+jwt"):
    token(f"typ-{typ.replace('/', '_')}", "none", "hs256", "", hand({"alg": "HS256", "typ": typ}, CLAIMS))

# --- claims ----------------------------------------------------------------------------------------------------------
def claims(name, fault, **changed):
    value = {k: v for k, v in {**CLAIMS, **changed}.items() if v is not ...}
    token(name, fault, "hs256", "", hand({"alg": "HS256"}, value))


def raw_claims(name, fault, text):
    token(name, fault, "hs256", "", hand({"alg": "HS256"}, text.encode() if isinstance(text, str) else text))


claims("exp-now", "expired", exp=NOW)
claims("exp-in-one-second", "none", exp=NOW + 1)
claims("exp-absent", "no_expiry", exp=...)
# A NumericDate is rounded down (RFC 7519 section 2); null is absent.
for time in ("exp", "nbf", "iat", "expire_at"):
    at_now = "expired" if time == "exp" else "none"
    claims(f"{time}-string", "malformed", **{time: str(NOW + 10)})
    claims(f"{time}-float", at_now, **{time: NOW + 0.5})
    claims(f"{time}-negative", "malformed", **{time: -1})
    claims(f"{time}-null", "no_expiry" if time == "exp" else "none", **{time: None})
    claims(f"{time}-list", "malformed", **{time: [NOW]})
    claims(f"{time}-bool", "malformed", **{time: True})
    claims(f"{time}-over-2-53", "malformed", **{time: 2**53 + 1})
    claims(f"{time}-over-2-64", "malformed", **{time: 2**64 + NOW})
    rest = {k: v for k, v in CLAIMS.items() if k != time}
    for label, number in (("1e400", "1e400"), ("exponent", "17e8"), ("minus-zero", "-0"), ("zero-fraction", f"{NOW}.0"), ("nan", "NaN")):
        raw_claims(f"{time}-{label}", "malformed" if label in ("1e400", "nan") else at_now, json.dumps(rest)[:-1] + f',"{time}":{number}}}')
    raw_claims(f"{time}-twice", "malformed", json.dumps({**rest, time: NOW + 9})[:-1] + f',"{time}":{NOW + 99}}}')
claims("nbf-future", "not_yet", nbf=NOW + 1)
claims("nbf-now", "none", nbf=NOW)
claims("aud-other", "foreign", aud="other")
claims("aud-absent", "foreign", aud=...)
claims("aud-prefix", "foreign", aud="lcg2")
claims("aud-list", "none", aud=["other", "lcg"])
claims("aud-list-without", "foreign", aud=["other"])
claims("aud-list-empty", "foreign", aud=[])
claims("aud-number", "malformed", aud=1)
claims("aud-list-number", "malformed", aud=["lcg", 1])
claims("aud-object", "malformed", aud={"lcg": 1})
claims("iss-other", "foreign", iss="https://issuer.example.org")
claims("iss-absent", "foreign", iss=...)
claims("iss-list", "malformed", iss=["https://issuer.example"])
claims("sub-number", "malformed", sub=42)
claims("sub-null", "none", sub=None)
claims("sub-absent", "none", sub=...)
claims("sub-256-bytes", "malformed", sub="u" * 256)
claims("jti-number", "malformed", jti=1)
claims("info-object", "none", info={"name": "Ann"})
claims("b64info", "none", b64info=base64.b64encode(b'{"name":"Ann"}').decode())
claims("b64info-not-json", "malformed", b64info=base64.b64encode(b"{").decode())
claims("b64info-not-base64", "malformed", b64info="*")
claims("channels", "none", channels=["news"])
claims("channels-string", "malformed", channels="news")
claims("channels-129", "none", channels=[f"c{i}" for i in range(129)])
claims("channels-empty-name", "malformed", channels=[""])
claims("subs", "none", subs={"news": {"info": {}, "override": {"presence": {"value": True}}}})
claims("subs-list", "malformed", subs=["news"])
claims("subs-override-bool", "malformed", subs={"news": {"override": {"presence": True}}})
raw_claims("subs-channel-twice", "malformed", json.dumps(CLAIMS)[:-1] + ',"subs":{"a":{},"a":{}}}')
raw_claims("sub-twice", "malformed", json.dumps(CLAIMS)[:-1] + ',"sub":"eve"}')
raw_claims("sub-twice-escaped", "malformed", json.dumps(CLAIMS)[:-1] + ',"\\u0073ub":"eve"}')
raw_claims("sub-lone-surrogate", "malformed", json.dumps({**CLAIMS, "sub": "x"}).replace('"x"', '"\\ud800"'))
raw_claims("sub-not-utf8", "malformed", json.dumps({**CLAIMS, "sub": "x"}).encode().replace(b'"x"', b'"\xff"'))
for label, text in (("array", "[]"), ("string", '"x"'), ("number", "1"), ("trailing", json.dumps(CLAIMS) + "{}"), ("deep", '{"a":' + "[" * 100 + "]" * 100 + "}"), ("bom", "\ufeff{}")):
    raw_claims(f"payload-{label}", "malformed", text)

# --- ECDSA: DER, zero, out of range, the other curve --------------------------------------------------------------
def es(name, fault, make, curve="es256", digest=hashes.SHA256(), header=None):
    text = part(header or {"alg": "ES256"}) + "." + part(CLAIMS)
    der = private[curve].sign(text.encode(), ec.ECDSA(digest))
    token(name, fault, "es256", "", text + "." + b64u(make(der)))


N256 = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
raw = lambda r, s, size=32: r.to_bytes(size, "big") + s.to_bytes(size, "big")
es("es256-der", "forged", lambda der: der)
es("es256-zero-both", "forged", lambda der: bytes(64))
es("es256-r-zero", "forged", lambda der: raw(0, decode_dss_signature(der)[1]))
es("es256-s-zero", "forged", lambda der: raw(decode_dss_signature(der)[0], 0))
es("es256-r-n", "forged", lambda der: raw(N256, decode_dss_signature(der)[1]))
es("es256-s-n", "forged", lambda der: raw(decode_dss_signature(der)[0], N256))
es("es256-all-ones", "forged", lambda der: b"\xff" * 64)
es("es256-padded", "forged", lambda der: raw(*decode_dss_signature(der), 33))
es("es256-swapped", "forged", lambda der: raw(*reversed(decode_dss_signature(der))))
es("es256-trailing", "forged", lambda der: raw(*decode_dss_signature(der)) + b"\0")
es("es256-signed-by-p384", "forged", lambda der: raw(*decode_dss_signature(der), 48), curve="es384")
es("es384-alg-by-p256-key", "unknown_key", lambda der: raw(*decode_dss_signature(der)), header={"alg": "ES384"}, digest=hashes.SHA384())

# --- Ed25519: points of small order as R, S not reduced ------------------------------------------------------------
ed_text = part({"alg": "EdDSA"}) + "." + part(CLAIMS)
ed_good = private["ed25519"].sign(ed_text.encode())
L = 2**252 + 27742317777372353535851937790883648493
for label, sig in (("zero", bytes(64)), ("identity-r", b"\x01" + bytes(63)), ("s-plus-l", ed_good[:32] + (int.from_bytes(ed_good[32:], "little") + L).to_bytes(32, "little")),
                   ("small-order-r", bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa") + bytes(32)), ("63-bytes", ed_good[:63])):
    token(f"ed25519-{label}", "forged", "ed25519", "", ed_text + "." + b64u(sig))

# --- form ----------------------------------------------------------------------------------------------------------
header, payload, signature = good.split(".")
for label, text in (("two-parts", f"{header}.{payload}"), ("four-parts", good + ".x"), ("jwe-five-parts", "eyJhbGciOiJkaXIiLCJlbmMiOiJBMTI4R0NNIn0..aXY.Y3Q.dGFn"), ("padded-header", f"{header}==.{payload}.{signature}"),
                    ("padded-signature", good + "="), ("newline-end", good + "\\n"), ("percent", good.replace(".", "%2E")), ("plus-slash", f"{header}.{payload}.+/{signature[2:]}"),
                    ("stray-bits", good[:-1] + ("1" if good[-1] in "048AEIMQUYcgkosw" else "B")), ("empty-header", f".{payload}.{signature}"), ("empty-payload", f"{header}..{signature}"), ("dots", ".."), ("one-dot", "."),
                    ("bearer", "Bearer:" + good), ("over-8-kib", hand({"alg": "HS256"}, {**CLAIMS, "x": "x" * 6200}))):
    token(f"form-{label}", "malformed", "hs256", "", text)
token("form-nested", "malformed", "hs256", "", hand({"alg": "HS256", "cty": "JWT"}, good.encode()))
token("form-just-under-8-kib", "none", "hs256", "", hand({"alg": "HS256"}, {**CLAIMS, "x": "x" * 5900}))

sys.stdout.write("\n".join(out) + "\n")
