// docs/spec.md and docs/pages.txt as they were when drydock was built: `drydock explain` works where no source tree is.

    .section .rodata
    .global drydock_spec_begin, drydock_spec_end, drydock_pages_begin, drydock_pages_end
    .hidden drydock_spec_begin, drydock_spec_end, drydock_pages_begin, drydock_pages_end
drydock_spec_begin:
    .incbin DRYDOCK_SPEC_FILE
drydock_spec_end:
drydock_pages_begin:
    .incbin DRYDOCK_PAGES_FILE
drydock_pages_end:

    .section .note.GNU-stack, "", @progbits
