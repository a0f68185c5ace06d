/* Structured exceptions: __try, __except and __finally are the compiler's (clang for MSVC targets has them, gcc does not). */
#ifndef DRYDOCK_CRT_EXCPT_H
#define DRYDOCK_CRT_EXCPT_H

#ifndef EXCEPTION_EXECUTE_HANDLER
#define EXCEPTION_EXECUTE_HANDLER 1
#define EXCEPTION_CONTINUE_SEARCH 0
#define EXCEPTION_CONTINUE_EXECUTION (-1)
#endif

#ifdef _MSC_VER
#ifdef __cplusplus
extern "C" {
#endif
unsigned long _exception_code(void);
void *_exception_info(void);
int _abnormal_termination(void);
#ifdef __cplusplus
}
#endif
#define GetExceptionCode _exception_code
#define exception_code _exception_code
#define GetExceptionInformation() ((struct _EXCEPTION_POINTERS *)_exception_info())
#define exception_info GetExceptionInformation
#define AbnormalTermination _abnormal_termination
#define abnormal_termination _abnormal_termination
#endif

#endif
