"""The configuration of the demo Asterisk: telephones, trunk, dialplan, queue, and its records.

Plain text files, written anew at each start from `company.py`. What a comment in them says
is what an administrator of a real Asterisk needs to know as well.
"""

from pathlib import Path

from . import company

# Inside the PBX's own network, which holds nothing but a loopback interface (see pbx.py).
SIP_HOST = "127.0.0.1"
TRUNK_HOST = "127.0.0.2"
SIP_PORT = 5060
AMI_PORT = 5038
# The names that the columns have in Asterisk's own SQL tables, in the order of cel_custom.
CEL_COLUMNS = (
    "eventtype,eventtime,cid_name,cid_num,cid_ani,cid_rdnis,cid_dnid,exten,context,channame,appname,"
    "appdata,amaflags,accountcode,uniqueid,linkedid,peer,userdeftype,extra"
)
# Where recordings for tests dial to reach a queue or a route that the demo company does not need.
DID_QUEUE_RETRY = "+31201000171"
DID_QUEUE_TIMEOUT = "+31201000172"
DID_QUEUE_LOCAL = "+31201000173"
DID_LOCAL = "+31201000174"
DID_MENU = "+31201000175"
DID_QUEUE_VOICEMAIL = "+31201000176"
DID_RECORDING = "+31201000177"
DID_GROUP_LOCAL = "+31201000178"
QUEUE_EXTENSION = "300"
# What our telephones dial, and the bridge for them.
PHONES_CONTEXT = "internal"


def phone_host(number: str) -> str:
    """The loopback address on which the telephone with this internal number lives."""
    return f"127.0.1.{number}"


def write(data: Path, modules: str, *, ami_secret: str, driver_secret: str, sip_password: str) -> None:
    """Write all files below `data/etc`.

    `modules` is Asterisk's module folder as seen inside its root, `ami_secret` the password of
    the AMI user `bridge`, `driver_secret` that of `driver`, which starts calls in scenarios,
    `sip_password` that of every telephone.
    """
    folder = data / "etc"
    folder.mkdir(parents=True, exist_ok=True)
    # Asterisk makes neither; without cel-custom it loses every row and only says so in its log.
    for name in ("log/cel-custom", "log/cdr-custom", "log/cdr-csv", "lib/keys", "run", "spool/monitor", "cache"):
        (data / name).mkdir(parents=True, exist_ok=True)
    cel = data / "log/cel-custom/Master.csv"
    if not cel.exists():
        cel.write_text(CEL_COLUMNS + "\n")
    files = {
        "asterisk.conf": ASTERISK.format(modules=modules),
        "modules.conf": MODULES,
        "logger.conf": LOGGER,
        "manager.conf": MANAGER.format(port=AMI_PORT, ami_secret=ami_secret, driver_secret=driver_secret),
        "cel.conf": CEL,
        "cel_custom.conf": CEL_CUSTOM + "\n",
        "cdr.conf": CDR,
        "cdr_custom.conf": CDR_CUSTOM + "\n",
        "pjsip.conf": _pjsip(sip_password),
        "rtp.conf": "[general]\nrtpstart=10000\nrtpend=10999\nicesupport=no\n",
        "extensions.conf": _extensions(),
        "queues.conf": _queues(),
        "voicemail.conf": VOICEMAIL,
        "musiconhold.conf": MUSIC,
        "features.conf": "[featuremap]\nblindxfer => ##\natxfer => *2\n",
    }
    for name, text in files.items():
        path = folder / name
        path.write_text(text)
        # Passwords are in them.
        path.chmod(0o600)


ASTERISK = """\
[directories]
astetcdir => /srv/pbx/etc
astmoddir => {modules}
astvarlibdir => /srv/pbx/lib
astdbdir => /srv/pbx/lib
astkeydir => /srv/pbx/lib
astdatadir => /usr/share/asterisk
astagidir => /usr/share/asterisk/agi-bin
astspooldir => /srv/pbx/spool
astrundir => /srv/pbx/run
astlogdir => /srv/pbx/log
astcachedir => /srv/pbx/cache

[options]
defaultlanguage = en
; Made from the network card elsewhere; here is none.
entityid = 02:00:00:00:00:01
"""

# All that is not needed and would only look for a network, a database or a sound card.
_LEFT_OUT = """
app_adsiprog app_agent_pool app_alarmreceiver app_amd app_audiosocket app_confbridge app_festival
app_followme app_getcpeid app_jack app_minivm app_page app_voicemail_odbc cdr_adaptive_odbc cdr_manager
cdr_odbc cdr_pgsql cdr_radius cdr_sqlite3_custom cdr_tds cel_manager cel_odbc cel_pgsql cel_radius
cel_sqlite3_custom cel_tds chan_audiosocket chan_console chan_iax2 chan_motif chan_unistim
chan_websocket func_odbc pbx_ael pbx_dundi pbx_lua pbx_realtime res_adsi res_ael_share res_calendar
res_calendar_caldav res_calendar_ews res_calendar_exchange res_calendar_icalendar res_config_ldap
res_config_odbc res_config_pgsql res_hep res_hep_pjsip res_hep_rtcp res_odbc res_odbc_transaction
res_phoneprov res_pjsip_phoneprov_provider res_prometheus res_resolver_unbound res_smdi res_snmp
res_stun_monitor res_xmpp
"""
MODULES = "[modules]\nautoload=yes\n" + "".join(f"noload={name}.so\n" for name in _LEFT_OUT.split())

LOGGER = """\
[general]
dateformat = %F %T.%3q
[logfiles]
messages.log => notice,warning,error
"""

MANAGER = """\
[general]
enabled = yes
bindaddr = 127.0.0.1
port = {port}
; The time at which something happened, in every event. Without it a bridge knows only when it
; read the event, and two bridges could not agree on one.
timestampevents = yes

; The bridge: the least that it needs.
; read:  call      channels, dialling, bridges, transfers, hold, Local channels, OriginateResponse
;        agent     queues and their members
;        dialplan  VarSet (how a queue ended, the mailbox' file) and Newexten (which
;                  application answers: an announcement or a mailbox has no event of its own)
;        system    FullyBooted, Shutdown: Asterisk began anew
; write: reporting CoreStatus and CoreShowChannels: which calls were lost when Asterisk died
;        originate Originate: click to call
;        call      Hangup and BlindTransfer: the buttons of the call card
; (Where nobody is to call by a click, write = reporting is enough.)
[bridge]
secret = {ami_secret}
deny = 0.0.0.0/0.0.0.0
permit = 127.0.0.1/255.255.255.255
read = call,agent,dialplan,system
write = reporting,originate,call

; The hand that starts and transfers calls in the scenarios. A PBX in earnest needs none.
[driver]
secret = {driver_secret}
deny = 0.0.0.0/0.0.0.0
permit = 127.0.0.1/255.255.255.255
read = call
write = call,originate,agent,system,command
"""

CEL = """\
[general]
enable = yes
; "all" gives no row at all.
apps = dial,queue,voicemail,playback,mixmonitor,answer
events = ALL
"""


def _csv(pattern: str, names: str) -> str:
    """One line of CSV as cel_custom and cdr_custom write it; `%` in `pattern` stands for the name."""
    return ",".join("${CSV_QUOTE(" + pattern.replace("%", name) + ")}" for name in names.split())


# In the order of CEL_COLUMNS. The long way to write it works with every Asterisk from 13; the
# shorter one only from 22.7.
CEL_CUSTOM = "[mappings]\nMaster.csv => " + _csv(
    "${%}",
    "eventtype eventtime CALLERID(name) CALLERID(num) CALLERID(ANI) CALLERID(RDNIS) CALLERID(DNID) CHANNEL(exten) "
    "CHANNEL(context) CHANNEL(channame) CHANNEL(appname) CHANNEL(appdata) CHANNEL(amaflags) CHANNEL(accountcode) "
    "CHANNEL(uniqueid) CHANNEL(linkedid) BRIDGEPEER userdeftype eventextra",
)

CDR = """\
[general]
enable = yes
[csv]
usegmtime = yes
loguniqueid = yes
loguserfield = yes
"""

# Asterisk's own Master.csv does not have the linked id, which alone tells what belongs together.
_CDR = (
    "clid src dst dcontext channel dstchannel lastapp lastdata start answer end duration billsec disposition amaflags "
    "accountcode uniqueid userfield linkedid sequence"
)
CDR_COLUMNS = _CDR.split()
CDR_CUSTOM = "[mappings]\nLinked.csv => " + _csv("${CDR(%)}", _CDR)

VOICEMAIL = """\
[general]
format = wav
[default]
104 => 1234,Jonas Lindqvist
"""

# Any sounds will do for music; these are there.
MUSIC = """\
[default]
mode = files
directory = /usr/share/asterisk/sounds/en_US_f_Allison/letters
"""


def _pjsip(password: str) -> str:
    """Telephones, each on an address of its own, and the trunk on 127.0.0.2.

    A trunk identified by 127.0.0.1 would swallow every telephone's registration.
    """
    text = f"""\
[global]
type = global
endpoint_identifier_order = ip,username

[udp]
type = transport
protocol = udp
bind = {SIP_HOST}:{SIP_PORT}

[phone](!)
type = endpoint
context = internal
disallow = all
allow = ulaw
direct_media = no
dtmf_mode = info
send_connected_line = no

[login](!)
type = auth
auth_type = userpass
password = {password}

[place](!)
type = aor
max_contacts = 1
remove_existing = yes

[trunk]
type = endpoint
context = from-trunk
disallow = all
allow = ulaw
direct_media = no
dtmf_mode = info
send_connected_line = no
send_pai = no
aors = trunk
[trunk]
type = aor
contact = sip:{TRUNK_HOST}:{SIP_PORT}
[trunk]
type = identify
endpoint = trunk
match = {TRUNK_HOST}
"""
    for phone in company.PHONES:
        text += (
            f"\n[{phone.number}](phone)\nauth = {phone.number}\naors = {phone.number}\n"
            f'callerid = "{phone.name}" <{phone.number}>\n'
            f"[{phone.number}](login)\nusername = {phone.number}\n"
            f"[{phone.number}](place)\n"
        )
    return text


def _queues() -> str:
    def queue(name, members, **options):
        return (
            f"\n[{name}]\n"
            + "".join(f"{key} = {value}\n" for key, value in options.items())
            + "".join(f"member => {member}\n" for member in members)
        )

    phones = [f"PJSIP/{number}" for number in company.SUPPORT_MEMBERS]
    usual = {"strategy": "ringall", "timeout": 15, "retry": 1, "musicclass": "default"}
    return (
        "[general]\npersistentmembers = no\nautofill = yes\n"
        + queue(company.SUPPORT_QUEUE, phones, **usual)
        # For recordings only: a short ring, so that it goes round more than once.
        + queue("retry", phones, **{**usual, "timeout": 2})
        + queue("local", [f"Local/{number}@agents/n" for number in company.SUPPORT_MEMBERS[:1]], **usual)
    )


def _extensions() -> str:
    group = "&".join(f"PJSIP/{number}" for number in company.SALES_GROUP)
    local = "&".join(f"Local/{number}@agents/n" for number in company.SALES_GROUP)
    direct = "".join(
        # The showroom is given up early, so that a demonstration of a missed call is short.
        f"exten => {phone.did},1,Dial(PJSIP/{phone.number},{5 if phone.number == '105' else 20},tT)\n same => n,Hangup()\n"
        for phone in company.PHONES
        if phone.did and phone.did != company.DID_VOICEMAIL
    )
    return f"""\
[general]
static = yes

; What our telephones may dial.
[internal]
exten => _[12]0X,1,Dial(PJSIP/${{EXTEN}},20,tT)
 same => n,Hangup()
exten => {QUEUE_EXTENSION},1,Queue({company.SUPPORT_QUEUE},tT,,,60)
 same => n,Hangup()
; Take a call that rings on a colleague's telephone.
exten => _*8X.,1,PickupChan(PJSIP/${{EXTEN:2}},p)
 same => n,Hangup()
; To the outside there is no prefix. The customer sees the main number.
exten => _0.,1,Goto(outside,${{EXTEN}},1)
exten => _+.,1,Goto(outside,${{EXTEN}},1)

[outside]
exten => _[0+].,1,Set(CALLERID(all)="{company.NAME}" <{company.OUTBOUND_CALLER_ID}>)
 same => n,Dial(PJSIP/${{EXTEN}}@trunk,30,tT)
 same => n,Hangup()

; What the world reaches.
[from-trunk]
exten => {company.DID_GROUP},1,Dial({group},20,tT)
 same => n,Hangup()
exten => {company.DID_SUPPORT},1,Answer()
 same => n,Queue({company.SUPPORT_QUEUE},tT,,,60)
 same => n,Hangup()
exten => {company.DID_ANNOUNCEMENT},1,Answer()
 same => n,Playback(vm-intro)
 same => n,Hangup()
exten => {company.DID_VOICEMAIL},1,Dial(PJSIP/104,4,tT)
 same => n,VoiceMail(104@default,us)
 same => n,Hangup()
{direct}
; Routes for recordings that the demo company does not need.
exten => {DID_QUEUE_RETRY},1,Answer()
 same => n,Queue(retry,tT,,,30)
 same => n,Hangup()
exten => {DID_QUEUE_TIMEOUT},1,Answer()
 same => n,Queue({company.SUPPORT_QUEUE},tT,,,3)
 same => n,Hangup()
exten => {DID_QUEUE_LOCAL},1,Answer()
 same => n,Queue(local,tT,,,30)
 same => n,Hangup()
exten => {DID_LOCAL},1,Dial(Local/101@agents,20)
 same => n,Hangup()
exten => {DID_MENU},1,Answer()
 same => n,Playback(hello-world)
 same => n,Dial(PJSIP/101,20,tT)
 same => n,Hangup()
exten => {DID_QUEUE_VOICEMAIL},1,Answer()
 same => n,Queue({company.SUPPORT_QUEUE},tT,,,2)
 same => n,VoiceMail(104@default,us)
 same => n,Hangup()
; The sound goes to spool/monitor, and from there to Odoo, once the PBX's form in Odoo wants it. The ids in the
; name make it the only one of its kind; "b" leaves out the ringing.
exten => {DID_RECORDING},1,MixMonitor(${{CHANNEL(linkedid)}}_${{UNIQUEID}}.wav,b)
 same => n,Dial(PJSIP/101,20,tT)
 same => n,Hangup()
exten => {DID_GROUP_LOCAL},1,Dial({local},20,tT)
 same => n,Hangup()

[agents]
exten => _[12]0X,1,Dial(PJSIP/${{EXTEN}},20)
 same => n,Hangup()
"""
