// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/allowlist_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <optional>
#include <system_error>
#include <utility>

#include "daemon/control_answer.hpp"
#include "host/small_file.hpp"
#include "report/address_text.hpp"
#include "report/errno_text.hpp"

namespace farewell::daemon {
namespace {

constexpr std::string_view kFirstLine =
    "# farewell allowlist 1: network, since (seconds since 1970), note; changed by `farewell allow`\n";
constexpr std::size_t kFileBytesMax = std::size_t{1} << 20U;

std::string_view take_word(std::string_view& line) {
    const std::size_t end = std::min(line.find(' '), line.size());
    const std::string_view word = line.substr(0, end);
    line.remove_prefix(std::min(end + 1, line.size()));
    return word;
}

/// "192.0.2.0/24 1790000000 the office"
std::optional<AllowedNetwork> parse(std::string_view line) {
    const auto network = report::parse_prefix(take_word(line));
    const std::string_view since = take_word(line);
    std::int64_t seconds = 0;
    const auto [end, error] = std::from_chars(since.data(), since.data() + since.size(), seconds);
    if (!network || error != std::errc{} || end != since.data() + since.size()) {
        return std::nullopt;
    }
    return AllowedNetwork{.network = *network,
                          .since = std::chrono::sys_seconds(std::chrono::seconds(seconds)),
                          .note = note_of(line)};
}

}  // namespace

std::vector<core::Prefix> with_networks(std::vector<core::Prefix> configured, const AllowlistFile& by_hand) {
    for (const AllowedNetwork& entry : by_hand.networks()) {
        configured.push_back(entry.network);
    }
    return configured;
}

std::expected<AllowlistFile, std::string> AllowlistFile::open(std::filesystem::path path) {
    AllowlistFile file(std::move(path));
    const auto text = host::read_file(file.path_, kFileBytesMax);
    if (!text) {
        if (text.error() == ENOENT) {
            return file;
        }
        return std::unexpected(fmt::format("read the allowlist {}: {}; mend it, or delete it to begin anew",
                                           file.path_.string(), report::errno_text(text.error())));
    }
    std::string_view rest = *text;
    for (std::size_t number = 1; !rest.empty(); ++number) {
        const std::size_t end = std::min(rest.find('\n'), rest.size());
        const std::string_view line = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        if (line.empty() || line.starts_with('#')) {
            continue;
        }
        auto network = parse(line);
        if (!network) {
            return std::unexpected(
                fmt::format("{}:{}: not `NETWORK SECONDS NOTE`: `{}`; mend or delete the line",
                            file.path_.string(), number, note_of(line)));
        }
        file.networks_.push_back(std::move(*network));
    }
    return file;
}

std::expected<bool, std::string> AllowlistFile::add(AllowedNetwork network) {
    if (std::ranges::find(networks_, network.network, &AllowedNetwork::network) != networks_.end()) {
        return false;
    }
    if (networks_.size() >= kNetworksMax) {
        return std::unexpected(fmt::format(
            "there are {} networks on the allowlist already, as many as may be; take some out, or use wider "
            "ones",
            networks_.size()));
    }
    std::vector<AllowedNetwork> wanted = networks_;
    network.note = note_of(network.note);
    wanted.push_back(std::move(network));
    if (auto saved = save(wanted); !saved) {
        return std::unexpected(saved.error());
    }
    networks_ = std::move(wanted);
    return true;
}

std::expected<bool, std::string> AllowlistFile::remove(const core::Prefix& network) {
    std::vector<AllowedNetwork> wanted = networks_;
    if (std::erase_if(wanted, [&](const auto& entry) { return entry.network == network; }) == 0) {
        return false;
    }
    if (auto saved = save(wanted); !saved) {
        return std::unexpected(saved.error());
    }
    networks_ = std::move(wanted);
    return true;
}

std::expected<void, std::string> AllowlistFile::save(const std::vector<AllowedNetwork>& networks) const {
    std::string text(kFirstLine);
    for (const AllowedNetwork& entry : networks) {
        text += fmt::format("{} {} {}\n", report::to_text(entry.network),
                            entry.since.time_since_epoch().count(), entry.note);
    }
    if (const int error = host::replace_file(path_, text); error != 0) {
        return std::unexpected(fmt::format("write the allowlist {}: {}; nothing was changed", path_.string(),
                                           report::errno_text(error)));
    }
    return {};
}

}  // namespace farewell::daemon
