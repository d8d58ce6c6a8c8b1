// A real OpenID provider on loopback: `oidc-provider`, with clients that ask for tokens by themselves.
// It says its issuer on the first line it prints. POST /test/rotate gives it new keys, and
// POST /test/break and /test/mend take its documents away and bring them back.
import { createServer } from "node:http";
import { generateKeyPairSync } from "node:crypto";
import { Provider } from "oidc-provider";

const AUDIENCE = "https://farwork.example";
const CLIENTS = {
  operator: { roles: ["operator", "viewer"], project: "default" },
  admin: { roles: ["admin"], project: "default" },
  brief: { roles: ["viewer"], project: "default" },
  nobody: { roles: ["uma_protection"], project: "default" },
  elsewhere: { roles: ["operator"], project: "vision" },
  nowhere: { roles: ["operator"], project: "no-such-project" },
};
// Programs whose tokens look as Keycloak 26 makes them: what is theirs beside `exp`, `iat`, `iss`, `sub`.
const KEYCLOAK = {
  "gpu-farm": {
    aud: ["farwork", "account"],
    resource_access: {
      farwork: { roles: ["worker", "viewer"] },
      account: { roles: ["manage-account", "view-profile"] },
    },
    farwork_project: "vision",
  },
  stranger: {
    aud: "account",
    resource_access: { account: { roles: ["manage-account"] } },
    farwork_project: "vision",
  },
  "realm-admin": {
    aud: "farwork",
    realm_access: { roles: ["default-roles-work", "offline_access", "admin"] },
    resource_access: {},
    farwork_project: "vision",
  },
  "signed-in": {
    aud: "farwork",
    typ: "ID",
    resource_access: { farwork: { roles: ["admin"] } },
    farwork_project: "vision",
  },
  bound: {
    aud: "farwork",
    cnf: { jkt: "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I" },
    resource_access: { farwork: { roles: ["admin"] } },
    farwork_project: "vision",
  },
};

function asKeycloak(client, jwt) {
  jwt.header = { typ: "JWT" };
  Object.assign(
    jwt.payload,
    {
      azp: client,
      typ: "Bearer",
      acr: "1",
      "allowed-origins": ["/*"],
      realm_access: { roles: ["default-roles-work", "offline_access", "uma_authorization"] },
      scope: "profile email farwork",
      email_verified: false,
      clientHost: "192.0.2.7",
      preferred_username: `service-account-${client}`,
      clientAddress: "192.0.2.7",
    },
    KEYCLOAK[client],
  );
}

function key(kid, alg) {
  const made =
    alg === "ES256"
      ? generateKeyPairSync("ec", { namedCurve: "P-256" })
      : generateKeyPairSync("rsa", { modulusLength: 2048 });
  return { ...made.privateKey.export({ format: "jwk" }), kid, alg, use: "sig" };
}

function provider(issuer, generation) {
  return new Provider(issuer, {
    jwks: { keys: [key(`rsa-${generation}`, "RS256"), key(`ec-${generation}`, "ES256")] },
    clients: [...Object.keys(CLIENTS), ...Object.keys(KEYCLOAK)].map((client_id) => ({
      client_id,
      client_secret: `secret of ${client_id}`,
      grant_types: ["client_credentials"],
      redirect_uris: [],
      response_types: [],
    })),
    ttl: { ClientCredentials: (_ctx, _token, client) => (client.clientId === "brief" ? 1 : 600) },
    extraTokenClaims: (_ctx, token) => {
      if (token.clientId in KEYCLOAK) return undefined;
      const { roles, project } = CLIENTS[token.clientId];
      return { realm_access: { roles }, project, preferred_username: `service-${token.clientId}` };
    },
    formats: {
      customizers: {
        jwt(_ctx, token, jwt) {
          if (token.clientId in KEYCLOAK) asKeycloak(token.clientId, jwt);
          return jwt;
        },
      },
    },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => AUDIENCE,
        getResourceServerInfo: (_ctx, resource) => ({
          scope: "api",
          audience: resource,
          accessTokenFormat: "jwt",
          jwt: { sign: { alg: resource.endsWith("/ec") ? "ES256" : "RS256" } },
        }),
      },
    },
  });
}

let generation = 1;
let broken = false;
let current;
const server = createServer((request, response) => {
  if (request.url.startsWith("/test/")) {
    if (request.url === "/test/rotate") current = provider(issuer, ++generation).callback();
    if (request.url === "/test/break") broken = true;
    if (request.url === "/test/mend") broken = false;
    response.end();
  } else if (broken && request.method === "GET") {
    response.statusCode = 503;
    response.end();
  } else {
    current(request, response);
  }
});
let issuer;
server.listen(0, "127.0.0.1", () => {
  issuer = `http://127.0.0.1:${server.address().port}`;
  current = provider(issuer, generation).callback();
  console.log(issuer);
});
