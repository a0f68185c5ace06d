#pragma once
// MSABI marks a function or a function type as following the calling convention of Windows on x86-64: arguments in rcx,
// rdx, r8, r9, 32 bytes of shadow space, rdi, rsi and xmm6-15 preserved, no red zone. It is part of the type.

#define MSABI __attribute__((ms_abi))
