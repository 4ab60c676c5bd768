-- a copy holds no secrets, and its PBXs neither send to it nor dial for it
DELETE FROM crm_voip_pbx_key;
UPDATE crm_voip_pbx SET active = false;
DELETE FROM crm_voip_command WHERE state = 'waiting';
DELETE FROM crm_voip_pbx_secret;
DELETE FROM crm_voip_held;
DELETE FROM crm_voip_health;
