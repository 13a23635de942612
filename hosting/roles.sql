-- The database of a host and its two roles, made once by a superuser: psql -f roles.sql
-- `freehold` owns the tables; `freehold_web` serves the pages, and row-level security holds for it.
-- Where they log in over the network, their passwords are in OWNER_PASSWORD and WEB_PASSWORD.
\set ON_ERROR_STOP on
\getenv owner_password OWNER_PASSWORD
\getenv web_password WEB_PASSWORD
CREATE ROLE freehold_web LOGIN;
CREATE ROLE freehold LOGIN IN ROLE freehold_web;
\if :{?owner_password}
ALTER ROLE freehold PASSWORD :'owner_password';
ALTER ROLE freehold_web PASSWORD :'web_password';
\endif
CREATE DATABASE freehold OWNER freehold;
REVOKE CONNECT, TEMPORARY ON DATABASE freehold FROM PUBLIC;
GRANT CONNECT ON DATABASE freehold TO freehold_web;
