/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The annotations of parameters and functions that Microsoft's analyser reads. Here they all mean
 * nothing.
 *
 * The old spelling (__in, __out and so on) is there in C only: libstdc++ has parameters of these
 * names. A C++ source that uses it is built with -D__in= and so on, if its own headers allow that.
 *
 * Source: "Annotating function parameters and return values" and the pages beside it.
 */
#ifndef FWP_WIN32_SAL_H
#define FWP_WIN32_SAL_H

#define _In_
#define _In_opt_
#define _In_z_
#define _In_opt_z_
#define _In_reads_(size)
#define _In_reads_opt_(size)
#define _In_reads_z_(size)
#define _In_reads_bytes_(size)
#define _In_reads_bytes_opt_(size)
#define _In_range_(low, high)

#define _Out_
#define _Out_opt_
#define _Out_writes_(size)
#define _Out_writes_opt_(size)
#define _Out_writes_z_(size)
#define _Out_writes_opt_z_(size)
#define _Out_writes_all_(size)
#define _Out_writes_bytes_(size)
#define _Out_writes_bytes_opt_(size)
#define _Out_writes_bytes_all_(size)
#define _Out_writes_to_(size, count)
#define _Out_writes_to_opt_(size, count)
#define _Out_writes_bytes_to_(size, count)
#define _Out_range_(low, high)

#define _Inout_
#define _Inout_opt_
#define _Inout_z_
#define _Inout_updates_(size)
#define _Inout_updates_opt_(size)
#define _Inout_updates_all_(size)
#define _Inout_updates_bytes_(size)
#define _Inout_updates_bytes_opt_(size)

#define _Outptr_
#define _Outptr_opt_
#define _Outptr_result_maybenull_
#define _Outptr_opt_result_maybenull_
#define _Outptr_result_z_
#define _Outptr_result_buffer_(size)
#define _Outptr_result_buffer_maybenull_(size)
#define _Outptr_result_bytebuffer_(size)
#define _COM_Outptr_

#define _Ret_maybenull_
#define _Ret_notnull_
#define _Ret_z_
#define _Ret_range_(low, high)
#define _Ret_writes_(size)

#define _Pre_
#define _Post_
#define _Pre_null_
#define _Pre_notnull_
#define _Pre_maybenull_
#define _Pre_satisfies_(condition)
#define _Post_satisfies_(condition)
#define _Post_invalid_
#define _Post_ptr_invalid_
#define _Deref_out_range_(low, high)

#define _Null_
#define _Notnull_
#define _Maybenull_
#define _Null_terminated_
#define _NullNull_terminated_
#define _Reserved_
#define _Const_
#define _Field_range_(low, high)
#define _Field_size_(size)
#define _Field_size_opt_(size)
#define _Field_size_bytes_(size)
#define _Field_size_bytes_opt_(size)
#define _Field_z_
#define _Struct_size_bytes_(size)

#define _Success_(condition)
#define _Return_type_success_(condition)
#define _When_(condition, annotations)
#define _At_(target, annotations)
#define _Group_(annotations)
#define _Always_(annotations)
#define _On_failure_(annotations)
#define _Check_return_
#define _Must_inspect_result_
#define _Use_decl_annotations_
#define _Function_class_(name)
#define _Printf_format_string_
#define _Analysis_assume_(condition)

#define _Acquires_lock_(lock)
#define _Releases_lock_(lock)
#define _Requires_lock_held_(lock)
#define _Requires_lock_not_held_(lock)
#define _Guarded_by_(lock)

#ifndef __cplusplus
#define __in
#define __in_opt
#define __in_z
#define __in_bcount(size)
#define __in_bcount_opt(size)
#define __in_ecount(count)
#define __in_ecount_opt(count)
#define __out
#define __out_opt
#define __out_bcount(size)
#define __out_bcount_opt(size)
#define __out_ecount(count)
#define __out_ecount_opt(count)
#define __inout
#define __inout_opt
#define __inout_bcount(size)
#define __inout_ecount(count)
#define __deref_out
#define __deref_out_opt
#define __deref_out_ecount(count)
#define __deref_out_bcount(size)
#define __deref_inout
#define __checkReturn
#endif

#endif /* FWP_WIN32_SAL_H */
