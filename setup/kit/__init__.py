"""What setup/run, setup/test and setup/lint share.

Standard library only: everything here runs with the machine's own Python, before anything
is installed.

    places      where things lie
    screen      what is said while something takes its time
    processes   start, watch and stop other programs
    machine     Debian packages, the Python environment, the JavaScript tools
    postgres    a database cluster of our own
    odoo        Odoo 19: get it, start it, ask it
    installation  what uninstalling leaves behind
    upgrading   from the first version, which lies in releases/, to the present one
    attacks     requests that mean harm, against a real server
    fuzz        nonsense for readers, adapters and routes
    peers       addons of others, fetched
    pbx         Asterisk: get it, start it; company is whom it serves
    scenarios   calls by real telephones (sip), and what is true about them
    proof       whether Odoo says the same
    chaos_…     the same while everything breaks: calls, ground, line, faults, proof
    recorded_pbx  recordings instead, where there is no Asterisk
"""
