"""What holds for every test."""

import signal

# A shell starts what it runs in the background with SIGINT ignored, and processes that tests start would
# inherit that: none of them could be interrupted.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
