/* What differs between the compilers these headers serve: mingw-w64 gcc and clang (windows-gnu, windows-msvc) for
 * drivers, and the Linux host's own gcc and clang, where DRYDOCK_HOST is 1. Everything else in this directory is written
 * on top of the few words defined here.
 *
 * On the host, driver-visible structures have the same layout as in the driver (LONG is 32 bits wide, WCHAR 16), and every
 * function type carries the Microsoft calling convention, so host code calls a driver through the very types of wdm.h
 * and storport.h. Function bodies with privileged instructions exist for drivers only. */
#ifndef DRYDOCK_WDK_COMPILER_H
#define DRYDOCK_WDK_COMPILER_H

#ifndef DRYDOCK_HOST
#define DRYDOCK_HOST 0
#endif

#if DRYDOCK_HOST
#include <stdarg.h>
#include <stddef.h>
#else
#include "crt/stdarg.h"
#include "crt/stddef.h"
#endif

#if !defined(__GNUC__) && !defined(__clang__)
#error "drydock's WDK headers are for gcc and clang"
#endif
#if !defined(__x86_64__)
#error "drydock's WDK headers are for x86-64"
#endif
#if !DRYDOCK_HOST && !defined(_WIN32)
#error "a driver is compiled for a Windows target (see drydock-cc); host code defines DRYDOCK_HOST=1"
#endif

#ifdef __cplusplus
#define EXTERN_C extern "C"
#define EXTERN_C_START extern "C" {
#define EXTERN_C_END }
#else
#define EXTERN_C extern
#define EXTERN_C_START
#define EXTERN_C_END
#endif

#if DRYDOCK_HOST
#define NTAPI __attribute__((ms_abi))
#define DECLSPEC_IMPORT
#define DECLSPEC_EXPORT
#define DECLSPEC_SELECTANY __attribute__((weak))
#define DECLSPEC_NORETURN __attribute__((noreturn))
#else
#define NTAPI /* one calling convention on x86-64 */
#define DECLSPEC_IMPORT __declspec(dllimport)
#define DECLSPEC_EXPORT __declspec(dllexport)
#define DECLSPEC_SELECTANY __attribute__((selectany))
#define DECLSPEC_NORETURN __attribute__((noreturn))
#endif

#define DECLSPEC_ALIGN(bytes) __attribute__((aligned(bytes)))
#define DECLSPEC_CACHEALIGN DECLSPEC_ALIGN(64)
#define DECLSPEC_NOINLINE __attribute__((noinline))
#define DECLSPEC_NOVTABLE
#define DECLSPEC_DEPRECATED

#define FORCEINLINE static __inline__ __attribute__((always_inline, unused))
#define CFORCEINLINE FORCEINLINE

/* Drivers say these; the host side never does, and its own headers use some of the names. */
#if !DRYDOCK_HOST
#ifndef _MSC_VER
#ifndef __forceinline
#define __forceinline __inline__ __attribute__((always_inline))
#endif
#define __unaligned
#ifndef __cdecl
#define __cdecl
#endif
#ifndef __stdcall
#define __stdcall
#endif
#ifndef __fastcall
#define __fastcall
#endif
#endif
#define FASTCALL
#define CDECL
#define WINAPI
#define CALLBACK
#define NTAPI_INLINE NTAPI
#define UNALIGNED
#define UNALIGNED64
#define RESTRICTED_POINTER
#define DUMMYUNIONNAME
#define DUMMYUNIONNAME2
#define DUMMYUNIONNAME3
#define DUMMYSTRUCTNAME
#define DUMMYSTRUCTNAME2
#ifndef _AMD64_
#define _AMD64_
#endif
#ifndef _M_AMD64
#define _M_AMD64 100
#endif
#ifndef _M_X64
#define _M_X64 100
#endif
#ifndef DBG
#define DBG 0
#endif
#endif

#endif
