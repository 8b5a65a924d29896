"""Attacks that are after what dray must keep to itself: accounts, client certificates, headers, and its internal network."""
import base64
import concurrent.futures
import contextlib
import gzip
import http.client
import itertools
import json
import os
import socket
import tarfile
import time

from neighbours import IMAGE, PASSWORD, Bench, Place, Served, eventually, isolated, redirecting
from images import OCI_CONFIG, OCI_INDEX, OCI_LAYER, OCI_MANIFEST, Layout, Store, digest

BASIC = "Basic " + base64.b64encode(f"user:{PASSWORD}".encode()).decode()
BLOB, CONFIG = (f"/v2/good/blobs/{digest(each)}" for each in (IMAGE.layer, IMAGE.config))
attacks = []


def attack(name, made):
    """Adds an attack: a function of a `Bench` that returns what went wrong."""
    def add(function):
        attacks.append((f"disclosure, {name}", made, function))
        return function
    return add


def expect(*rows):
    return [text for text, is_right in rows if not is_right]


def layout_position(archive, name):
    """Where a blob lies in a layout's tar."""
    with tarfile.open(archive) as tar:
        return next(member.offset for member in tar if member.name.endswith(name[7:]))


def asking(handler):
    """Wants a password."""
    return not handler.headers.get("Authorization") and handler.say(401, b"{}", [("Www-Authenticate", 'Basic realm="x"')])


# What is the user's is not the server's

def log_in(bench, place, elsewhere):
    """Everything that a user may have for a registry: accounts, helpers, certificates, and another place of it."""
    entry = f'{{"auths": {{"{place.address}": {{"auth": "{BASIC.split()[1]}"}}}}'
    for path in ["home/.docker/config.json", "docker/config.json"]:
        bench.write(path, f'{entry}, "credsStore": "spy", "credHelpers": {{"{place.address}": "spy"}}}}')
    for path in ["run/containers/auth.json", "home/.config/containers/auth.json", "auth.json"]:
        bench.write(path, entry + "}")
    bench.write("home/.netrc", f"machine {place.address.split(':')[0]} login user password {PASSWORD}\n", 0o600)
    bench.write("bin/docker-credential-spy", f"#!/bin/sh\necho asked >> {bench.directory}/spied\n", 0o755)
    conf = f'[[registry]]\nlocation = "{place.address}"\n[[registry.mirror]]\nlocation = "{elsewhere.address}"\ninsecure = true\n'
    for path in ["home/.config/containers/registries.conf", "registries.conf"]:
        bench.write(path, conf)
    return {
        "DOCKER_CONFIG": f"{bench.directory}/docker", "REGISTRY_AUTH_FILE": f"{bench.directory}/auth.json",
        "CONTAINERS_REGISTRIES_CONF": f"{bench.directory}/registries.conf", "PATH": f"{bench.directory}/bin:{os.environ['PATH']}"}


@attack("logins of the user", "a cache, an endpoint and a health check at a registry that the server's user has logged in to")
def _(bench):
    upstream, elsewhere = Place(lambda handler: handler.path.startswith("/v2/") and asking(handler)), Place()
    environment = log_in(bench, upstream, elsewhere)
    server = bench.serve(f"""proxy: {{remoteurl: '{upstream.url}'}}
health: {{http: [{{uri: '{upstream.url}/health', statuscode: 404, interval: 100ms}}]}}
notifications: {{endpoints: [{{url: '{upstream.url}/events'}}]}}""", **environment)
    statuses = [server.ask(path)[0] for path in ["/v2/good/manifests/1", BLOB, "/v2/good/tags/list"]]
    eventually(lambda: any(each["path"] == "/health" for each in upstream.seen))
    return expect(
        (f"statuses {statuses}", statuses == [404] * 3), (f"accounts {upstream.gave('authorization')}", not upstream.gave("authorization")),
        ("registries.conf counts", not elsewhere.seen), ("the helper was asked", not os.path.exists(f"{bench.directory}/spied")))


@attack("certificates of the user", "a cache of a registry for which certs.d has an authority and a client certificate")
def _(bench):
    pair, own = bench.certificate("server"), bench.certificate("client")
    upstream = Place(certificate=pair, clients=f"{own}.crt")
    folder = f"home/.config/containers/certs.d/{upstream.address}"
    for name, source in [("ca.crt", f"{pair}.crt"), ("client.cert", f"{own}.crt"), ("client.key", f"{own}.key")]:
        with open(source) as file:
            bench.write(f"{folder}/{name}", file.read())
    trusted = bench.run("digest", "--retry-times", "0", f"docker://{upstream.address}/good:1")
    shown = [each["certificate"] for each in upstream.seen]
    upstream.seen.clear()
    refused = bench.serve(f"proxy: {{remoteurl: '{upstream.url}'}}").ask("/v2/good/manifests/1")[0]
    seen = list(upstream.seen)
    served = bench.serve(f"proxy: {{remoteurl: '{upstream.url}'}}", SSL_CERT_FILE=f"{pair}.crt").ask("/v2/good/manifests/1")[0]
    return expect(
        (f"the user's own: {trusted} {shown}", trusted[0] == 0 and all(shown)), (f"without authority {refused} {seen}", refused == 502 and not seen),
        (f"trusted {served}", served == 200), ("the certificate was shown", not any(each["certificate"] for each in upstream.seen)))


# What is asked for and cannot be given

@attack("protections that cannot be given", "client certificates without authorities, and empty or misspelt auth, tls and readonly")
def _(bench):
    pair = bench.certificate("server")
    empty, files = bench.write("empty.pem", ""), f"certificate: {pair}.crt, key: {pair}.key"
    rows = [(64, f"http.tls.{key}", f"http: {{addr: '127.0.0.1:0', tls: {{{more}}}}}") for key, more in [
        *(("clientauth", f"{files}, clientauth: {kind}") for kind in ["require-and-verify-client-cert", "verify-client-cert-if-given", "require-any-client-cert"]),
        ("clientcas", f"{files}, clientcas: []"), ("clientcas", f"{files}, clientcas: "), ("clientCAs", f"{files}, clientCAs: [{pair}.crt]"), ("certificate", f"clientcas: [{pair}.crt]")]]
    rows += [(1, empty, f"http: {{addr: '127.0.0.1:0', tls: {{{files}, clientcas: [{empty}]}}}}"), (64, "http.tls", "http: {addr: '127.0.0.1:0', tls: }")]
    rows += [(64, "auth", f"auth: {text}") for text in ["", "{}", "null", "[]", "''", "htpasswd", "{htpasswd: {realm: r}}", "{ldap: {}}"]]
    rows += [(64, "Auth", f"Auth: {{htpasswd: {{realm: r, path: {empty}}}}}"), (1, empty, f"auth: {{token: {{realm: 'http://a', service: s, issuer: i, rootcertbundle: {empty}}}}}")]
    failures = []
    for number, words, more in rows:
        status, said = bench.run("serve", bench.configuration(more))
        failures += expect((f"{more}: {status} {said}", status == number and words in said))
    guarded = bench.configuration(f"auth: {{htpasswd: {{realm: r, path: {empty}}}}}")
    for name in ["REGISTRY_AUTH", "REGISTRY_AUTH_HTPASSWD", "REGISTRY_AUTH_HTPASSWD_PATH", "REGISTRY_HTTP_TLS", "REGISTRY_HTTP_TLS_CLIENTCAS"]:
        status, said = bench.run("serve", guarded, **{name: ""})
        failures += expect((f"{name}: {status} {said}", status == 64 and name in said))
    return failures + expect(("auth: none", bench.serve("auth: none").ask("/v2/")[0] == 200))


# What is for one origin is for no other

@attack("client certificate", "redirects of pulls and pushes, a token realm and a mirror on other ports, of a registry that gets a certificate")
def _(bench):
    pair, own = bench.certificate("server"), bench.certificate("client")
    bench.write("creds", f"user:{PASSWORD}\n")
    other = Place(lambda handler: "/token" in handler.path and handler.say(200, b'{"token": "t0ken"}'), certificate=pair, clients=f"{own}.crt")
    mirror = Place(certificate=pair, clients=f"{own}.crt")

    def answer(handler):
        if not handler.headers.get("Authorization"):
            return handler.say(401, b"{}", [("Www-Authenticate", f'Bearer realm="{other.url}/token",service="s"')])
        if handler.command == "POST":
            return handler.say(202, headers=[("Location", f"{other.url}/uploads/1")])
        if "/blobs/" in handler.path:
            return handler.say(404, b"{}") if "/pushed/" in handler.path else redirecting("", other.url)(handler)

    registry = Place(answer, certificate=pair, clients=f"{own}.crt")
    conf = bench.write("registries.conf", f'[[registry]]\nlocation = "{registry.address}"\n[[registry.mirror]]\nlocation = "{mirror.address}"\n')
    options = ["--cert", f"{own}.crt", "--key", f"{own}.key", "--ca-file", f"{pair}.crt", "--creds", "creds", "--retry-times", "0"]
    pull = bench.run("copy", *options, f"docker://{registry.address}/good:1", "oci:out:1")
    push = bench.run("copy", *options, "oci:out:1", f"docker://{registry.address}/pushed:2")
    through = bench.run("copy", *options, f"docker://{registry.address}/good:1", "oci:again:1", CONTAINERS_REGISTRIES_CONF=conf)
    elsewhere = [each for each in other.seen if "/token" not in each["path"]]
    return expect(
        (f"pull {pull}, push {push}, by the mirror {through}", pull[0] == push[0] == through[0] == 0),
        ("the registry lacks the certificate", registry.seen and all(each["certificate"] for each in registry.seen)),
        ("not all places were asked", {each["method"] for each in elsewhere} >= {"GET", "PUT"} and mirror.seen),
        ("another origin has seen the certificate", not any(each["certificate"] for each in other.seen + mirror.seen)),
        ("another origin has seen an account", not any("authorization" in each["headers"] for each in elsewhere + mirror.seen)))


@attack("one account for two registries", "--creds, --src-creds and --cert where two registries are named")
def _(bench):
    one, two = Place(asking), Place(asking)
    bench.write("creds", f"user:{PASSWORD}\n")
    first, second = (f"docker://{each.address}/good:1" for each in (one, two))
    bench.write("list", f"{first}\n{second}\n")
    bench.write("sync.yml", f"rules: [{{source: '{first}', destination: 'docker://{two.address}'}}]\n")
    rows = [
        ("--src-creds and --dest-creds", ["copy", "--creds", "creds", first, second]), ("--creds", ["copy", "--creds", "creds", first, second, "oci:out"]),
        ("--creds", ["copy", "--creds", "creds", "--from-file", "list", "oci:out"]), ("--creds", ["copy", "--creds", "creds", "--base", first, "oci:x", second]),
        ("--src-creds", ["copy", "--src-creds", "creds", first, second, "oci:out"]), ("--creds", ["copy", "--creds", "creds", "--dest-creds", "creds", first, second, "oci:out"]),
        ("certs.d", ["copy", "--cert", "c", "--key", "k", first, second]), ("dray login", ["backup", "--creds", "creds", first, second, "backup"]),
        ("dray login", ["verify", "--creds", "creds", first, "--repair-from", second]), ("dray login", ["verify", "--creds", "creds", first, second]),
        ("'registries' in sync.yml", ["sync", "--creds", "creds", "sync.yml"])]
    failures = []
    for words, arguments in rows:
        status, said = bench.run(*arguments)
        failures += expect((f"{arguments}: {status} {said}", status == 64 and words in said and PASSWORD not in said))
    status, said = bench.run("copy", "--creds", "creds", "--retry-times", "0", "docker://reg.invalid/good:1", "docker://REG.invalid:443/good:2")
    failures += expect((f"the usual port: {status} {said}", status == 1))
    for arguments in [["copy", "--src-creds", "creds", "--dest-creds", "creds", first, second], ["copy", "--creds", "creds", first, first.replace(":1", ":2")]]:
        status, said = bench.run(*arguments, "--dry-run", "--retry-times", "0")
        failures += expect((f"{arguments}: {status} {said}", status == 0))
    return failures


@attack("flags for two registries", "--plain-http and --tls-verify=false where a mirror or a second registry has a saved login, and where one side is named")
def _(bench):
    def work():
        here, there, mirror = Place(asking), Place(asking, host="198.51.100.7"), Place(asking, host="198.51.100.8")
        logins = {each.address: {"auth": BASIC.split()[1]} for each in (here, there, mirror)}
        bench.write("home/.docker/config.json", json.dumps({"auths": logins}))
        conf = bench.write("mirrors.conf", f'[[registry]]\nlocation = "{here.address}"\n[[registry.mirror]]\nlocation = "{mirror.address}"\n')
        own = bench.write("own.conf", f'[[registry]]\nlocation = "{there.address}"\ninsecure = true\n')
        source, target = (f"docker://{each.address}/good:1" for each in (here, there))
        bench.write("sync.yml", f"rules: [{{source: '{source}', destination: 'docker://{there.address}'}}]\n")
        both, failures = ["copy", source, target], []
        rows = [(shared, arguments, {}, 1, False) for shared in ("--plain-http", "--tls-verify=false") for arguments in (
            both, ["copy", target, source], ["copy", source, target, "oci:two"], ["sync", "sync.yml"], ["verify", source, target], ["backup", source, target, "backup"])]
        rows += [(option, both, {}, 0, True) for option in ("--dest-tls-verify=false", "--dest-plain-http")]
        rows += [("--tls-verify=false", both, {"CONTAINERS_REGISTRIES_CONF": own}, 0, True), ("--plain-http", ["digest", target], {}, 0, True),
                 ("--src-plain-http", ["copy", source, target, "oci:three"], {}, 1, False)]
        for option, arguments, variables, expected, is_shown in rows:
            there.seen.clear()
            status, said = bench.run(*arguments, option, "--retry-times", "0", **variables)
            failures += expect(
                (f"{option} {arguments}: {status} {said}", (status == 0) == (expected == 0) and there.seen and (is_shown or "saved login is not sent" in said)),
                (f"{option} {arguments}: the login was {'not ' if is_shown else ''}shown", bool(there.gave("authorization")) == is_shown))
        for option in ("--plain-http", "--tls-verify=false"):
            here.seen.clear()
            status, said = bench.run("digest", option, "--retry-times", "0", f"docker://{here.address}/good:1", CONTAINERS_REGISTRIES_CONF=conf)
            failures += expect((f"{option} with a mirror: {status} {said}", status == 0 and BASIC in here.gave("authorization")))
        return failures + expect((f"the mirror got {mirror.seen}", not mirror.seen))
    return isolated(work, bench)


@attack("writes that come back", "redirects of pushes to another origin, which leads them back to the registry")
def _(bench):
    other = Place(lambda handler: redirecting("", f"{registry.url}/v2/victim/manifests/1?x", 308 if "tagged" in handler.path else 307)(handler))

    def answer(handler):
        if asking(handler):
            return True
        if handler.command == "PUT" and "/manifests/" in handler.path and "victim" not in handler.path:
            return redirecting("", other.url)(handler)
        return handler.command == "HEAD" and "/manifests/" in handler.path and handler.say(404)

    registry, source = Place(answer), Place()
    bench.write("home/.docker/config.json", json.dumps({"auths": {registry.address: {"auth": BASIC.split()[1]}}}))
    pushes = [bench.run("copy", "--retry-times", "0", f"docker://{source.address}/good:1", f"docker://{registry.address}/{name}:1") for name in ("pushed", "tagged")]
    return expect(
        (f"{pushes}", all(status == 1 for status, _ in pushes)), (f"the other place was asked {len(other.seen)} times", len(other.seen) == 2),
        ("the other place has seen an account", not other.gave("authorization")), ("the registry was asked again", not any("victim" in each["path"] for each in registry.seen)))


@attack("reads that come back", "redirects of pulls to another origin, which leads them back to the registry")
def _(bench):
    other = Place(lambda handler: redirecting("", f"{registry.url}/v2/private/secret?x")(handler))
    registry = Place(lambda handler: handler.say(200, IMAGE.layer) if "private" in handler.path and handler.headers.get("Authorization") else asking(handler) or redirecting(BLOB, other.url)(handler))
    bench.write("home/.docker/config.json", json.dumps({"auths": {registry.address: {"auth": BASIC.split()[1]}}}))
    status, said = bench.run("copy", "--retry-times", "0", f"docker://{registry.address}/good:1", "oci:out:1")
    shown = ["authorization" in each["headers"] for each in registry.seen if "private" in each["path"]]
    return expect((f"{status} {said}", status == 1), (f"asked again with an account: {shown}", shown and not any(shown)))


@attack("tokens in the clear", "a registry with TLS whose tokens are at a place without")
def _(bench):
    pair = bench.certificate("server")
    tokens = Place(lambda handler: handler.say(200, b'{"token": "t0ken"}'))
    registry = Place(lambda handler: not handler.headers.get("Authorization") and handler.say(401, b"{}", [("Www-Authenticate", f'Bearer realm="{tokens.url}/token",service="s"')]), certificate=pair, clients=f"{pair}.crt")
    status, said = bench.run("digest", "--ca-file", f"{pair}.crt", "--retry-times", "0", f"docker://{registry.address}/good:1")
    return expect((f"{status} {said}", status == 1 and "not encrypted" in said), (f"asked for a token {tokens.seen}", not tokens.seen), ("a token was shown", registry.seen and not registry.gave("authorization")))


@attack("names that end in v1", "logins for repositories called v1 and v2 of a registry that asks for a password elsewhere")
def _(bench):
    registry, failures = Place(asking), []
    for path, repository, is_shown in [("/team/v1", "team/other/app", False), ("/team/v2", "team/v2", True), ("/team/v2/", "team/x", False), ("/v1/", "team/x", True), ("/v2", "x", True)]:
        registry.seen.clear()
        bench.write("home/.docker/config.json", json.dumps({"auths": {registry.address + path: {"auth": BASIC.split()[1]}}}))
        said = bench.run("digest", "--retry-times", "0", f"docker://{registry.address}/{repository}:1")
        failures += expect((f"{path} for {repository}: {said}", registry.seen and bool(registry.gave("authorization")) == is_shown))
    return failures


@attack("passwords for names", "passwords where the name of a variable or a file is expected")
def _(bench):
    said, statuses = "", []
    for text in [f"env:{PASSWORD}", f"env:user:{PASSWORD}", PASSWORD]:
        for command in [["digest", "docker://registry.test/app:1"], ["login", "registry.test"]]:
            status, words = bench.run(*command, "--creds", text)
            statuses, said = statuses + [status], said + words
    for kind in ("environment", "file"):
        bench.write(f"{kind}.yml", f"registries: {{registry.test: {{credentials: {{{kind}: {PASSWORD}}}}}}}\nrules: [{{source: 'docker://registry.test/app:1', destination: 'oci:out'}}]\n")
        status, words = bench.run("sync", f"{kind}.yml")
        statuses, said = statuses + [status], said + words
    return expect((f"{statuses} {said}", all(statuses) and PASSWORD not in said and "is not set" in said))


@attack("headers of notifications", "endpoints and health checks that redirect to another host, with 307, 308 and 302")
def _(bench):
    other, inner = Place(), Place(lambda handler: redirecting("/hook", f"{inner.url}/there?x")(handler))
    ends = [Place(redirecting("", lambda: other.url.replace("127.0.0.1", "localhost"), status)) for status in (307, 308, 302)]
    urls = [*(end.url for end in ends), f"{inner.url}/hook", f"http://user:{PASSWORD}@{inner.address}/plain"]
    endpoints = ", ".join(f"{{name: n{number}, url: '{url}', timeout: 5s, headers: {{X-Key: [{PASSWORD}]}}}}" for number, url in enumerate(urls))
    server = bench.serve(f"""health: {{http: [{{uri: '{ends[0].url}', interval: 100ms, statuscode: 404, headers: {{X-Key: {PASSWORD}}}}}]}}
notifications: {{endpoints: [{endpoints}]}}""")
    status, _ = server.ask("/v2/a/blobs/uploads/?digest=" + digest(b""), "POST")
    eventually(lambda: all(f"n{number} was not told" in server.said() for number in range(3)) or any(each["method"] == "POST" for each in other.seen))
    eventually(lambda: {"/there?x", "/plain"} <= {each["path"] for each in inner.seen} and any(each["method"] == "HEAD" for each in other.seen))
    return expect(
        (f"push {status}", status == 201), (f"elsewhere {other.seen}", not other.gave("x-key") and all(each["method"] == "HEAD" for each in other.seen)),
        ("the endpoint lacks its header", len(inner.gave("x-key")) == len(inner.seen)), (f"account {inner.gave('authorization')}", set(inner.gave("authorization")) == {BASIC}),
        ("the log has the secret", PASSWORD not in server.said()))


# What is printed

@attack("URLs of a configuration", "passwords in all URLs of a server's configuration, right and wrong ones")
def _(bench):
    failures = []
    secret, token = f"user:{PASSWORD}", "token: {realm: 'URL', service: s, issuer: i, jwks: k}"
    shapes = [f"http://{secret}@127.0.0.1:1/", f"https://user:x/{PASSWORD}@127.0.0.1", f"ftp://{secret}@h", f"{secret}@h:1", f"http://user:{PASSWORD}%zz@h/?{PASSWORD}=1"]
    for more in ["proxy: {remoteurl: 'URL'}", "http: {addr: ':0', host: 'URL'}", f"auth: {{{token}}}", "health: {tcp: [{addr: 'URL'}]}"]:
        for shape in shapes:
            status, said = bench.run("serve", bench.configuration(more.replace("URL", shape)))
            failures += expect((f"{more} {shape}: {status} {said}", status == 64 and PASSWORD not in said))
    for shape in shapes[2:]:
        for more in [f"notifications: {{endpoints: [{{url: '{shape}'}}]}}", f"health: {{http: [{{uri: '{shape}'}}]}}", f"'{shape}': 1\nlog: {{level: '{shape}'}}"]:
            status, said = bench.run("serve", bench.configuration(more))
            failures += expect((f"{more}: {status} {said}", status == 64 and PASSWORD not in said))
    status, said = bench.run("serve", bench.configuration(""), REGISTRY_PROXY_REMOTEURL=shapes[0])
    failures += expect((f"by a variable: {status} {said}", status == 64 and PASSWORD not in said))
    return failures


@attack("URLs of a server", "accounts and signatures of endpoints and checks in logs, metrics and health")
def _(bench):
    url = f"http://user:{PASSWORD}@127.0.0.1:1/x?signature={PASSWORD}"
    said = ""
    # While a check fails, nothing can be pushed.
    for more, words in [(f"notifications: {{endpoints: [{{name: '{url}', url: '{url}'}}]}}", "127.0.0.1:1/x.* was not told"),
                        (f"health: {{http: [{{uri: '{url}', interval: 50ms}}]}}", "health check .*127.0.0.1:1/x fails")]:
        server = Served(bench, [bench.configuration(f"http: {{addr: '127.0.0.1:0', debug: {{addr: '127.0.0.1:0', prometheus: {{enabled: true}}}}}}\n{more}")], {})
        debug = server.until(r"debug server on ([0-9.]+:[0-9]+)")[1]
        if "notifications" in more:
            server.ask("/v2/a/blobs/uploads/?digest=" + digest(b""), "POST")
        server.until(words)
        said += server.said() + "".join(server.ask(path, address=debug)[1].decode() for path in ["/metrics", "/debug/health"])
    return expect((f"said: {said}", PASSWORD not in said), ("no endpoint is named", 'endpoint="http://***@127.0.0.1:1/x' in said))


@attack("URLs of commands", "passwords in references, options, lists, rules, proxies, and in what a registry answers")
def _(bench):
    secret = f"user:{PASSWORD}@registry.test"
    signed = f"http://127.0.0.1:1/x?X-Amz-Signature={PASSWORD}"
    told = f"see https://{secret}/a and {signed}, ".encode() + b"x" * 600
    leading, telling = Place(redirecting("", f"http://{secret}/?")), Place(lambda handler: handler.say(400, told, kind="text/plain"))
    signing = Place(lambda handler: "/v2/good" in handler.path and handler.say(307, headers=[("Location", signed)]))
    typed = [f"docker://{secret}/app:1", f"docker://user:x/{PASSWORD}@registry.test/app", f"oci://{secret}/app", f"https://{secret}/app?{PASSWORD}=1", f"{secret}/app:1",
             f"docker://{secret}/app@sha256:abc", f"docker://user:{PASSWORD} x@registry.test/app", *(f"docker://{each.address}/good:1" for each in (leading, telling, signing))]
    failures = []
    for number, reference in enumerate(typed):
        bench.write(f"list{number}", reference + "\n")
        bench.write(f"rules{number}.yml", f"rules: [{{source: '{reference}', destination: 'oci:out'}}]\nregistries: {{'{reference}': {{}}}}\n")
        for arguments in [["copy", "-v", reference, "oci:out"], ["verify", reference], ["verify", reference, "oci:x"], ["ls", "--progress", "json", reference], ["copy", "--from-file", f"list{number}", "oci:out"],
                          ["sync", f"rules{number}.yml"], ["backup", reference, "backup"], ["login", reference], ["logout", reference, reference], ["digest", f"--bogus={reference}"], ["serve", reference]]:
            status, said = bench.run(*arguments, *(["--retry-times", "0"] if arguments[0] not in ("login", "logout", "serve", "digest") else []))
            failures += expect((f"{arguments}: {status} {said}", (status != 0 or arguments[0] == "logout") and PASSWORD not in said))
    conf = bench.write("registries.conf", f'[[registry]]\nprefix = "a.test"\nlocation = "{secret}"\n')
    for variables in [{"HTTPS_PROXY": f"http://user:{PASSWORD}@127.0.0.1:1"}, {"HTTPS_PROXY": f"me@corp://{secret}"}, {"HTTPS_PROXY": f"https://user:{PASSWORD}@127.0.0.1:1"},
                      {"HTTPS_PROXY": f"socks5h://user:{PASSWORD}@127.0.0.1:1"}, {"CONTAINERS_REGISTRIES_CONF": conf}]:
        status, said = bench.run("ls", "-v", "--retry-times", "0", "docker://a.test/app", **variables)
        failures += expect((f"{variables}: {status} {said}", status != 0 and PASSWORD not in said))
    return failures


# Hosts

@attack("hosts that are none", "redirects, realms and references to hosts with slashes, spaces and line breaks, behind a proxy")
def _(bench):
    proxy, failures = Place(), []
    for host in ["..%2f..%2fetc", "a%20b", "x%0d%0aX-Evil:1", "a%00b", "%31%32%37.0.0.1", "a..b", "a_b!c", "[fe80::1%25x%2fy]", "127.1", "2130706434", "0x7f.2", "0177.0.0.2", "127.0.0.2.", "169.254.169.254.", "10.0.0.010"]:
        registries = [Place(redirecting("/blobs/", f"http://{host}/x?")), Place(lambda handler, host=host: handler.say(401, b"{}", [("Www-Authenticate", f'Bearer realm="http://{host}/token"')]))]
        conf = bench.write("registries.conf", f'[[registry]]\nprefix = "a.test"\nlocation = "{host}/x"\n')
        for reference in [*(f"docker://{each.address}/good:1" for each in registries), f"docker://{host}/good:1", "docker://a.test/good:1"]:
            status, said = bench.run(
                "copy", "--plain-http", "--retry-times", "0", reference, "oci:out", http_proxy=proxy.url, CONTAINERS_REGISTRIES_CONF=conf if "a.test" in reference else "/dev/null")
            failures += expect((f"{reference} {host}: {status} {said}", status != 0))
        status, said = bench.run("serve", bench.configuration(f"proxy: {{remoteurl: 'http://{host}'}}"))
        failures += expect((f"remoteurl {host}: {status} {said}", status == 64))
    return failures + expect((f"the proxy was asked: {[each['path'] for each in proxy.seen]}", not proxy.seen))


@attack("names below localhost", "a registry called evil.localhost, which a name server leads elsewhere")
def _(bench):
    def work():
        place = Place(host="198.51.100.7")
        status, said = bench.run("digest", "--retry-times", "0", f"docker://evil.localhost:{place.port}/good:1")
        return expect((f"{status} {said}", status == 1 and "TLS" in said), (f"plain HTTP {place.seen}", not place.seen))
    return isolated(work, bench)


@attack("internal addresses", "an upstream of the internet whose redirects and realms lead to addresses and names of the internal network")
def _(bench):
    def work():
        inside = [Place(host="0.0.0.0"), Place(host="::")]
        hosts = ["10.9.8.7", "169.254.169.254", "100.64.0.9", "127.0.0.1", "localhost", "metadata.test", "2130706433", "0x7f.1", "0.0.0.0"]
        targets = [f"http://{host}:{inside[0].port}" for host in hosts] + [f"http://[{host}]:{inside[1].port}" for host in ["::1", "::ffff:10.9.8.7"]]
        now, failures = {}, []

        def answer(handler):
            if now["realm"]:
                return handler.say(401, b"{}", [("Www-Authenticate", f'Bearer realm="{now["target"]}/token",service="s"')])
            return redirecting("/blobs/", now["target"])(handler)

        for name in ["198.51.100.7", "outside.test"]:
            outside = Place(answer, host="198.51.100.7")
            server = bench.serve(f"proxy: {{remoteurl: 'http://{name}:{outside.port}'}}")
            now.update(realm=False, target=f"http://198.51.100.8:{inside[0].port}")
            failures += expect((f"in the internet: {server.ask(CONFIG)[0]}", any(each.seen for each in inside)))
            for now["realm"] in (False, True):
                for now["target"] in targets:
                    count, status = len(outside.seen), server.ask(BLOB)[0]
                    failures += expect((f"{now}: {status}", status == 502), (f"{now}: the upstream was not asked", len(outside.seen) > count or now["realm"]))
            seen = [each["path"] for place in inside for each in place.seen]
            failures += expect((f"{name}: asked were {seen}", seen == [CONFIG]))
            for place in inside:
                place.seen.clear()
        # An operator may allow it.
        now.update(realm=False, target=targets[0])
        server = bench.serve(f"proxy: {{remoteurl: 'http://outside.test:{outside.port}', internalredirects: true}}")
        failures += expect((f"allowed: {server.ask(BLOB)[0]}", any(each["path"] == BLOB for each in inside[0].seen)))
        # A registry of the internal network may lead to others.
        for number, host in enumerate(["10.9.8.7", "127.0.0.1"]):
            own = Place(answer, host=host)
            now.update(realm=False, target=targets[number])
            status = bench.serve(f"proxy: {{remoteurl: 'http://{host}:{own.port}'}}").ask(BLOB)[0]
            failures += expect((f"from {host} to {targets[number]}: {status}", status == 200))
        return failures
    return isolated(work, bench)


# What the other side names or sends is not kept for good

@attack("any number of origins", "an upstream that redirects each blob to another origin with TLS")
def _(bench):
    pair, count = bench.certificate("many"), itertools.count()
    end = Place(host="0.0.0.0", certificate=pair, clients=f"{pair}.crt")
    registry = Place(lambda handler: "/blobs/" in handler.path and redirecting("", f"https://127.2.0.{next(count) % 200 + 1}:{end.port}")(handler))
    server = bench.serve(f"proxy: {{remoteurl: '{registry.url}'}}")
    statuses = {server.ask(f"/v2/good/blobs/{digest(str(number).encode())}")[0] for number in range(120)}
    memory = server.memory()
    return expect(
        (f"statuses {statuses}", statuses == {502}), (f"the cache takes {memory} MiB", memory < 100))


@attack("any number of origins, copy", "a registry that redirects each layer of an image to another origin with TLS")
def _(bench):
    layers = {digest(layer): layer for layer in (gzip.compress(str(number).encode()) for number in range(150))}
    pair = bench.certificate("many", *(f"IP:127.2.0.{number}" for number in range(1, len(layers) + 1)))
    end = Place(
        lambda handler: handler.say(200, layers[handler.path.split("/")[-1]], kind="application/octet-stream"),
        host="0.0.0.0", certificate=pair, clients=f"{pair}.crt")
    config = b"{}"
    manifest = json.dumps({
        "schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": {"mediaType": OCI_CONFIG, "digest": digest(config), "size": len(config)},
        "layers": [{"mediaType": OCI_LAYER + "+gzip", "digest": name, "size": len(layer)} for name, layer in layers.items()]}).encode()
    numbers = {name: number for number, name in enumerate(layers, 1)}

    def answer(handler):
        name = handler.path.split("/")[-1]
        if name in numbers:
            return handler.say(307, headers=[("Location", f"https://127.2.0.{numbers[name]}:{end.port}/{name}")])
        if name == digest(config):
            return handler.say(200, config, kind="application/octet-stream")
        return "/manifests/" in handler.path and handler.say(200, manifest, kind=OCI_MANIFEST)

    registry = Place(answer)
    status, words, memory = bench.measure("copy", "--ca-file", f"{pair}.crt", f"docker://{registry.address}/app:1", f"dir:{bench.directory}/out")
    return expect(
        (f"it ends in {status}: {words}", status == 0), (f"{len(end.seen)} layers were asked for", len(end.seen) == len(layers)),
        (f"it takes {memory} MiB", memory < 80))


@attack("events that wait", "pulls with long headers, and of large manifests, while an endpoint of notifications cannot be reached")
def _(bench):
    server = bench.serve("notifications: {events: {includereferences: true}, endpoints: [{name: n, url: 'http://127.0.0.1:1/', backoff: 60s, threshold: 1}]}")
    empty = digest(b"")
    server.ask(f"/v2/a/blobs/uploads/?digest={empty}", "POST")
    config = {"mediaType": OCI_CONFIG, "digest": empty, "size": 0, "annotations": {str(number): "a" * 900_000 for number in range(4)}}
    manifest = json.dumps({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": []}).encode()
    stored = server.ask("/v2/a/manifests/1", "PUT", body=manifest, headers={"Content-Type": OCI_MANIFEST})[0]
    pulled = {server.ask("/v2/a/manifests/1")[0] for _ in range(60)}
    large = server.memory()
    pulled |= set(server.pulls(f"/v2/a/blobs/{empty}", 3000, {"Host": "h" * 200, "User-Agent": "u" * 30_000}))
    return expect(
        (f"push {stored}, pulls {pulled}", stored == 201 and pulled == {200}), (f"large manifests take {large} MiB", large < 110),
        (f"long headers take {server.memory()} MiB", server.memory() < 110))


@attack("referrers without an end", "an upstream that lists 19 referrers of 200 kB, page after page")
def _(bench):
    referrer = {"mediaType": OCI_MANIFEST, "size": 2, "annotations": {"x": "y" * 200_000}}

    def answer(handler):
        if "/referrers/" not in handler.path:
            return False
        number = int(handler.path.rpartition("page=")[2] or 0)
        entries = [{**referrer, "digest": f"sha256:{100 * number + entry:064}"} for entry in range(19)]
        page = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}).encode()
        return handler.say(200, page, [("Link", f'<{handler.path.split("?")[0]}?page={number + 1}>; rel="next"')], kind=OCI_INDEX)

    upstream = Place(answer)
    server = bench.serve(f"proxy: {{remoteurl: '{upstream.url}'}}")
    status = server.ask(f"/v2/good/referrers/{digest(b'subject')}")[0]
    return expect((f"the cache answers {status}", status >= 500), (f"it takes {server.memory()} MiB", server.memory() < 160),
        (f"it asked for {len(upstream.seen)} pages", len(upstream.seen) < 20))


@attack("referrers with many annotations", "an upstream whose referrer has 400,000 annotations, by the API and under the fallback tag")
def _(bench):
    referrer = {"mediaType": OCI_MANIFEST, "size": 2, "digest": digest(b"x"), "annotations": {f"{number:x}": "" for number in range(400_000)}}
    page = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [referrer]}, separators=(",", ":")).encode()
    failures = []
    for kind in ("/api/referrers/", "/tag/manifests/"):
        upstream = Place(lambda handler: kind in handler.path and handler.say(200, page, kind=OCI_INDEX))
        server = bench.serve(f"proxy: {{remoteurl: '{upstream.url}'}}")
        status = server.ask(f"/v2/{kind.split('/')[1]}/referrers/{digest(b'subject')}")[0]
        failures += expect((f"{kind}: the cache answers {status}", status >= 500), (f"{kind}: it takes {server.memory()} MiB", server.memory() < 100))
    return failures


def annotated(number, count, **more):
    """A manifest with many small annotations."""
    config = {"mediaType": OCI_CONFIG, "digest": digest(b"{}"), "size": 2}
    annotations = {f"{number}.{each:x}": "" for each in range(count)}
    return json.dumps(
        {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": [], "annotations": annotations, **more}, separators=(",", ":")).encode()


def at_once(*calls):
    with concurrent.futures.ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(lambda call: call(), calls))


@attack("manifests with many annotations", "an upstream with 12 manifests of 100,000 annotations, which a client wants at once; another one wants a tag meanwhile")
def _(bench):
    manifests = {digest(data): data for data in (annotated(number, 100_000) for number in range(12))}

    def answer(handler):
        data = manifests.get(handler.path.split("/")[-1])
        return data and handler.say(200, data, kind=OCI_MANIFEST)

    upstream = Place(answer)
    server = bench.serve(f"proxy: {{remoteurl: '{upstream.url}', checkinterval: 0}}")
    statuses = at_once(
        *(lambda name=name: server.ask(f"/v2/good/manifests/{name}", source="127.0.0.2")[0] for name in manifests),
        lambda: server.ask("/v2/good/manifests/1")[0])
    memory = server.memory("VmHWM")
    upstream.seen.clear()
    statuses.append(server.ask("/v2/good/manifests/1")[0])
    return expect(
        (f"statuses {statuses}", statuses[-2:] == [200, 200] and set(statuses) <= {200, 503}), (f"the cache takes {memory} MiB", memory < 200),
        ("the tag is not checked", upstream.seen), (server.said(), "failing" not in server.said()))


@attack("digest that is a tag's", "an upstream that does not know the digest which it tells of a tag; one asks for the tag, and another one for the digest")
def _(bench):
    told = digest(b"nothing")

    def answer(handler):
        if handler.path.endswith(told):
            time.sleep(1)
        tagged = handler.command == "HEAD" and handler.path.endswith("/manifests/1")
        return tagged and handler.say(200, b"x" * 300, [("Docker-Content-Digest", told)], kind=OCI_MANIFEST)

    upstream = Place(answer)
    server = bench.serve(f"proxy: {{remoteurl: '{upstream.url}'}}")

    def ask_later():
        time.sleep(0.5)
        return server.ask(f"/v2/good/manifests/{told}")[0]

    statuses = at_once(lambda: server.ask("/v2/good/manifests/1")[0], ask_later)
    return expect((f"statuses {statuses}", statuses == [200, 404]))


@attack("coding with a large window", "an upstream that sends 12 blobs in a coding that needs a window of 128 MiB")
def _(bench):
    block = lambda kind, size, data: (size << 3 | kind << 1).to_bytes(3, "little") + data
    # A window of 2^27 bytes, and spaces: an object begins, and does not end.
    data = b"\x28\xb5\x2f\xfd\0\x88" + block(0, 1, b"{") + block(1, 128 << 10, b" ") * 1024
    upstream = Place(lambda handler: "/blobs/" in handler.path and handler.say(200, data, [("Content-Encoding", "zstd")], kind="application/octet-stream"))
    server = bench.serve(f"proxy: {{remoteurl: '{upstream.url}'}}")

    def ask(number):
        # The connection breaks where the blob turns out to be another one.
        with contextlib.suppress(http.client.HTTPException):
            server.ask(f"/v2/good/blobs/sha256:{number:064x}")

    at_once(*(lambda number=number: ask(number) for number in range(12)))
    memory = server.memory("VmHWM")
    return expect((f"the cache takes {memory} MiB", memory < 200))


@attack("large tokens", "an upstream whose tokens have 900 kB, another one for each repository")
def _(bench):
    count = itertools.count()

    def answer(handler):
        if handler.path.startswith("/token"):
            return handler.say(200, json.dumps({"token": f"{next(count)}-" + "t" * 900_000}).encode())
        return not handler.headers.get("Authorization") and handler.say(
            401, b"{}", [("Www-Authenticate", f'Bearer realm="{upstream.url}/token",service="x"')])

    upstream = Place(answer)
    server = bench.serve(f"proxy: {{remoteurl: '{upstream.url}'}}")
    start = time.monotonic()
    statuses = {server.ask(f"/v2/good{number}/manifests/1")[0] for number in range(12)}
    seconds, memory = time.monotonic() - start, server.memory("VmHWM")
    return expect(
        (f"statuses {statuses}", statuses == {502}), (f"the cache takes {memory} MiB", memory < 100), (f"it takes {seconds:.0f} s", seconds < 15))


def with_referrers(bench):
    """A store, and the same as a layout, in which an image has 6 referrers of 100,000 annotations."""
    store, layout = Store(f"{bench.directory}/store"), Layout(f"{bench.directory}/layout")
    store.put(b"{}", "good")
    layout.put(b"{}", OCI_CONFIG)
    image = annotated("image", 1)
    store.manifest(image)
    layout.add(layout.put(image, OCI_MANIFEST))
    for number in range(6):
        referrer = annotated(number, 100_000, subject={"mediaType": OCI_MANIFEST, "digest": digest(image), "size": len(image)})
        store.manifest(referrer, tag=None)
        layout.entries.append(layout.put(referrer, OCI_MANIFEST))
    store.finish()
    layout.finish()
    return f"store:{bench.directory}/store", f"oci:{bench.directory}/layout"


@attack("referrers that are listed", "a store and a layout with 6 referrers of 100,000 annotations; they are listed, copied, backed up and verified")
def _(bench):
    failures = []
    for number, place in enumerate(with_referrers(bench)):
        for words in [["ls", place], ["copy", place, f"oci:{bench.directory}/copy{number}"], ["backup", place, f"{bench.directory}/backup{number}"], ["verify", place]]:
            status, said, memory = bench.measure(*words)
            failures += expect((f"{words}: {status} {said}", status == 0), (f"{words} takes {memory} MiB", memory < 200))
    return failures


@attack("referrers of what is missing", "a request for the referrers in a repository that the upstream has not, before others ask in one that it has")
def _(bench):
    subject = digest(b"subject")
    listed = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [{"mediaType": OCI_MANIFEST, "size": 2, "digest": digest(b"signature")}]}).encode()
    upstream = Place(lambda handler: "/good/referrers/" in handler.path and handler.say(200, listed, kind=OCI_INDEX))
    server = bench.serve(f"proxy: {{remoteurl: '{upstream.url}'}}")
    first = server.ask(f"/v2/missing/referrers/{subject}")[0]
    status, body = server.ask(f"/v2/good/referrers/{subject}")
    return expect((f"first {first}, then {status}: {body}", status == 200 and digest(b"signature").encode() in body))


@attack("event that is large", "a pushed index of 4 MB, while an endpoint that wants references cannot be reached, after other events")
def _(bench):
    told, now = [], {"status": 503}

    def answer(handler):
        if now["status"] == 200:
            told.append(handler.path)
        return handler.say(now["status"], b"{}")

    endpoint = Place(answer)
    server = bench.serve(f"notifications: {{events: {{includereferences: true}}, endpoints: [{{name: n, url: '{endpoint.url}/', backoff: 1s, threshold: 1}}]}}")
    empty = digest(b"")
    for number in range(100):
        server.ask(f"/v2/a{number}/blobs/uploads/?digest={empty}", "POST")
    entries = [{"mediaType": "application/vnd.oci.image.layer.nondistributable.v1.tar", "digest": f"sha256:{number:064x}", "size": 1} for number in range(20_000)]
    index = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}).encode()
    pushed = server.ask("/v2/a/manifests/1", "PUT", body=index, headers={"Content-Type": OCI_INDEX})[0]
    now["status"] = 200
    eventually(lambda: len(told) >= 101)
    return expect((f"push {pushed}", pushed == 201))


@attack("events of others", "11,000 events of one client while an endpoint cannot be reached, and a few of another one before them")
def _(bench):
    told, now = set(), {"status": 503}

    def answer(handler):
        if now["status"] == 200:
            told.update(event["target"]["repository"] for event in json.loads(handler.content)["events"])
        return handler.say(now["status"], b"{}")

    endpoint = Place(answer)
    server = bench.serve(f"notifications: {{endpoints: [{{name: n, url: '{endpoint.url}/', backoff: 1s, threshold: 1}}]}}")
    empty, wanted = digest(b""), {f"mine{number}" for number in range(5)}
    for name in wanted:
        server.ask(f"/v2/{name}/blobs/uploads/?digest={empty}", "POST")
    server.ask(f"/v2/theirs/blobs/uploads/?digest={empty}", "POST", source="127.0.0.2")
    config = {"mediaType": OCI_CONFIG, "digest": empty, "size": 0}
    manifest = json.dumps({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": []}).encode()
    tags = "&".join(f"tag=t{number}" for number in range(90))
    for _ in range(123):
        server.ask(f"/v2/theirs/manifests/{digest(manifest)}?{tags}", "PUT", body=manifest, headers={"Content-Type": OCI_MANIFEST}, source="127.0.0.2")
    now["status"] = 200
    eventually(lambda: wanted <= told)
    return []


@attack("archive that is inflated", "100 pulls, closed at once, of the last blob of an archive that is compressed as a whole; others pull a manifest")
def _(bench):
    layout = Layout(f"{bench.directory}/layout")
    layers = [layout.put(bytes(100 << 20), OCI_LAYER), layout.put(b"last", OCI_LAYER)]
    layout.add(layout.image(layers=layers), "large:1").finish()
    with open(f"{bench.directory}/layout.tar", "rb") as plain, gzip.open(f"{bench.directory}/x.tar.gz", "wb", 1) as packed:
        packed.write(plain.read())
    server = bench.serve_reference(f"oci-archive:{bench.directory}/x.tar.gz")
    blob = max((each["digest"] for each in layers), key=lambda name: layout_position(f"{bench.directory}/layout.tar", name))
    for _ in range(100):
        with socket.create_connection(server.address.split(":"), source_address=("127.0.0.2", 0)) as connection:
            connection.sendall(f"GET /v2/large/blobs/{blob} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    start = time.monotonic()
    status = server.ask("/v2/large/manifests/1")[0]
    return expect((f"{status} after {time.monotonic() - start:.1f} s", status == 200 and time.monotonic() - start < 2))


@attack("redirects that lead nowhere", "an upstream that redirects a blob to a place that cannot be reached, or breaks off, between checks of a tag")
def _(bench):
    failures, short = [], Place(lambda handler: handler.say(200, b"x", [("Content-Length", "9999")], kind="application/octet-stream"))
    for target in ["http://127.0.0.1:1", short.url]:
        upstream = Place(redirecting("/blobs/", target))
        server = bench.serve(f"proxy: {{remoteurl: '{upstream.url}', checkinterval: 0}}")
        statuses = [server.ask("/v2/good/manifests/1")[0], server.ask(f"/v2/good/blobs/sha256:{'b' * 64}")[0]]
        upstream.seen.clear()
        statuses.append(server.ask("/v2/good/manifests/1")[0])
        failures += expect((f"{target}: {statuses}", statuses[0] == statuses[2] == 200 and statuses[1] != 200), (f"{target}: the tag was not checked", upstream.seen))
    return failures


def run(dray, directory, wanted):
    """Carries them out: (name, what went wrong, seconds of processor time, KiB) of each."""
    for number, (name, _, function) in enumerate(attacks):
        if wanted and not any(part in name for part in wanted):
            continue
        bench, start = Bench(dray, f"{directory}/{number}"), os.times()
        try:
            failures = function(bench)
        except Exception as error:
            failures = [f"{type(error).__name__}: {error}"]
        finally:
            bench.stop()
        end = os.times()
        yield name, failures, end.children_user + end.children_system - start.children_user - start.children_system, 0
