// SPDX-License-Identifier: GPL-2.0-or-later
// The words both ends of the control socket use. Framing and the shape of messages follow Varlink
// (varlink.org): one JSON object ended by a NUL byte; a call is {"method", "parameters"}, an answer is
// {"parameters"} or {"error", "parameters"}. A call with "more": true may get several answers: all but the
// last one say "continues": true. It ends when the daemon says the last, or either side closes.
#pragma once

#include <cstddef>
#include <string_view>

namespace farewell::report::control {

inline constexpr char kFrameEnd = '\0';
inline constexpr std::size_t kRequestBytesMax = std::size_t{64} << 10;

namespace method {
inline constexpr std::string_view kStatus = "io.farewell.Status";
inline constexpr std::string_view kListBans = "io.farewell.ListBans";
inline constexpr std::string_view kGetBan = "io.farewell.GetBan";
inline constexpr std::string_view kAddBan = "io.farewell.AddBan";
inline constexpr std::string_view kAddBans = "io.farewell.AddBans";
inline constexpr std::string_view kExportBans = "io.farewell.ExportBans";
inline constexpr std::string_view kRemoveBan = "io.farewell.RemoveBan";
inline constexpr std::string_view kRemoveAllBans = "io.farewell.RemoveAllBans";
inline constexpr std::string_view kExplain = "io.farewell.Explain";
inline constexpr std::string_view kListEvents = "io.farewell.ListEvents";
inline constexpr std::string_view kListAllowed = "io.farewell.ListAllowed";
inline constexpr std::string_view kAddAllowed = "io.farewell.AddAllowed";
inline constexpr std::string_view kRemoveAllowed = "io.farewell.RemoveAllowed";
inline constexpr std::string_view kFollowEvents = "io.farewell.FollowEvents";  // takes "more"
inline constexpr std::string_view kTopSources = "io.farewell.TopSources";
inline constexpr std::string_view kWatch = "io.farewell.Watch";  // takes "more"
inline constexpr std::string_view kMetrics = "io.farewell.Metrics";
inline constexpr std::string_view kReload = "io.farewell.Reload";
}  // namespace method

/// Parameters of every error: {"message": "one sentence"}; InvalidConfiguration adds {"errors": ["file:1:2:
/// …"]}.
namespace error {
inline constexpr std::string_view kInvalidParameter = "io.farewell.InvalidParameter";
inline constexpr std::string_view kNotBanned = "io.farewell.NotBanned";
inline constexpr std::string_view kRefused = "io.farewell.Refused";  // allowlisted, martian, full
inline constexpr std::string_view kFailed = "io.farewell.Failed";    // the kernel would not
inline constexpr std::string_view kInvalidConfiguration = "io.farewell.InvalidConfiguration";
inline constexpr std::string_view kInvalidRequest = "io.farewell.InvalidRequest";
inline constexpr std::string_view kMethodNotFound = "org.varlink.service.MethodNotFound";
inline constexpr std::string_view kExpectedMore = "org.varlink.service.ExpectedMore";
}  // namespace error

}  // namespace farewell::report::control
