// P3: better-auth with its organization plugin on node-postgres.
import { betterAuth } from "better-auth";
import { organization } from "better-auth/plugins";
import { createAccessControl } from "better-auth/plugins/access";
import { defaultStatements, ownerAc, adminAc } from "better-auth/plugins/organization/access";
import pg from "pg";

const ac = createAccessControl({ ...defaultStatements, project: ["read", "operate"] });
const roles = {
  owner: ac.newRole({ ...ownerAc.statements, project: ["read", "operate"] }),
  admin: ac.newRole({ ...adminAc.statements, project: ["read", "operate"] }),
  operator: ac.newRole({ project: ["read", "operate"] }),
  viewer: ac.newRole({ project: ["read"] }),
};
export const outbox = [];
export const port = Number(process.env.BENCH_PORT || 8130);
export const pool = new pg.Pool({ database: process.env.BENCH_DB, max: 10 });
export const auth = betterAuth({
  baseURL: `http://127.0.0.1:${port}`,
  secret: "bench-secret-key-0123456789abcdef0123456789",
  database: pool,
  telemetry: { enabled: false },
  rateLimit: { enabled: false },
  emailAndPassword: { enabled: true },
  plugins: [organization({
    ac, roles, invitationLimit: 1e9, membershipLimit: 1e9,
    sendInvitationEmail: async ({ email, id }) => { outbox[outbox.length % 1000] = [email, id]; },
  })],
});
