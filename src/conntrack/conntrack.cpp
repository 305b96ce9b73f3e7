// SPDX-License-Identifier: GPL-2.0-or-later
#include "conntrack/conntrack.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <iterator>
#include <set>
#include <string>
#include <utility>

#include "core/allowlist.hpp"
#include "netlink/acknowledgement.hpp"
#include "netlink/dump.hpp"
#include "netlink/errors.hpp"

namespace farewell::conntrack {
namespace {

constexpr int kTriesWhenInterrupted = 3;
constexpr std::size_t kRemovalsPerSend = 64;         // their errors fit into any receive buffer
constexpr std::size_t kRemovalsPerWalk = 1U << 16U;  // remembered at once; more take another walk
constexpr int kWalksMax = 64;
constexpr std::chrono::seconds kAnswerLimit{2};

constexpr std::array kFamilies{core::Family::ipv4, core::Family::ipv6};

Error error_of(const std::string& operation, int reason) {
    Error error = netlink::system_error(operation, reason);
    if (reason == EINVAL) {  // nfnetlink has nobody for it
        error.kind = ErrorKind::not_supported;
        error.lacking = "nf_conntrack_netlink";
    }
    return error;
}

bool is_refused_filter(int reason) {
    return reason == EINVAL || reason == EOPNOTSUPP;
}

}  // namespace

std::expected<std::unique_ptr<FlowTable>, Error> Conntrack::open() {
    auto channel = netlink::open_dump_socket(netlink::Subsystem::netfilter);
    if (!channel) {
        return std::unexpected(channel.error());
    }
    return std::make_unique<Conntrack>(std::move(*channel));
}

int Conntrack::dump_once(const Filter& filter, const OnFlow& on_flow) {
    netlink::MessageWriter question;
    ++sequence_;
    append_flow_question(question, filter, sequence_);
    return netlink::dump(*channel_, question, sequence_, [&on_flow](const netlink::Message& message) {
        if (auto flow = parse_flow(message)) {
            on_flow(std::move(*flow));
        }
    });
}

/// A flow may be seen twice where the table changed meanwhile.
std::expected<void, Error> Conntrack::walk(Filter filter, const OnFlow& on_flow) {
    int reason = 0;
    for (int tries = 0; tries < kTriesWhenInterrupted;) {
        if (!channel_) {
            auto channel = netlink::open_dump_socket(netlink::Subsystem::netfilter);
            if (!channel) {
                return std::unexpected(channel.error());
            }
            channel_ = std::move(*channel);
        }
        reason = dump_once(filter, on_flow);
        if (reason == 0) {
            return {};
        }
        if (is_refused_filter(reason) && filter.by_tuple) {
            filter.by_tuple = false;
        } else if (reason == EINTR) {
            ++tries;
        } else {
            channel_.reset();  // the kernel may still be answering
            break;
        }
    }
    return std::unexpected(error_of("list tracked connections", reason));
}

std::expected<std::vector<core::Address>, Error> Conntrack::proven(std::span<const core::Address> sources) {
    const std::set<core::Address> wanted(sources.begin(), sources.end());
    std::set<core::Address> over;
    std::set<core::Address> standing;
    for (const core::Family family : kFamilies) {
        if (std::ranges::find(wanted, family, &core::Address::family) == wanted.end()) {
            continue;
        }
        const auto walked = walk({.family = family, .only_assured = true}, [&](const Flow& flow) {
            for (const core::Address& end : {flow.opened_by, flow.answered_from}) {
                if (!wanted.contains(end)) {
                    continue;
                }
                if (is_standing(flow)) {
                    standing.insert(end);
                } else if (is_over(flow)) {
                    over.insert(end);
                }
            }
        });
        if (!walked) {
            return std::unexpected(walked.error());
        }
    }
    std::vector<core::Address> proven;
    std::ranges::set_difference(over, standing, std::back_inserter(proven));
    return proven;
}

std::expected<std::size_t, Error> Conntrack::remove_flows(std::span<const core::Prefix> sources) {
    std::size_t removed = 0;
    for (const core::Family family : kFamilies) {
        std::vector<core::Prefix> wanted;
        std::ranges::copy_if(sources, std::back_inserter(wanted), [family](const core::Prefix& prefix) {
            return prefix.address.family() == family;
        });
        if (wanted.empty()) {
            continue;
        }
        const core::Allowlist are_wanted(wanted);  // the quick way to ask for any of many prefixes
        Filter filter{.family = family};
        if (wanted.size() == 1 && wanted.front().is_address()) {
            filter.opened_by = wanted.front().address;
        }
        bool has_more = true;
        for (int walks = 0; has_more && walks < kWalksMax; ++walks) {
            std::vector<Flow> found;
            const auto walked = walk(filter, [&are_wanted, &found](Flow&& flow) {
                if (found.size() < kRemovalsPerWalk && are_wanted.contains(flow.opened_by)) {
                    found.push_back(std::move(flow));
                }
            });
            if (!walked) {
                return std::unexpected(walked.error());
            }
            has_more = found.size() == kRemovalsPerWalk;
            const auto gone = remove(found);
            if (!gone) {
                return std::unexpected(gone.error());
            }
            removed += *gone;
        }
    }
    return removed;
}

/// Those that went by themselves meanwhile do not count.
std::expected<std::size_t, Error> Conntrack::remove(std::span<const Flow> flows) {
    std::size_t removed = 0;
    int trouble = 0;
    netlink::MessageWriter removals;
    while (!flows.empty()) {
        const auto some = flows.first(std::min(flows.size(), kRemovalsPerSend));
        flows = flows.subspan(some.size());
        removals.clear();
        const std::uint32_t first = sequence_ + 1;
        for (const Flow& flow : some) {
            ++sequence_;
            const bool is_last = &flow == &some.back();
            if (!append_removal(removals, flow, sequence_, is_last)) {
                return std::unexpected(error_of("remove a tracked connection without a tuple", ENODATA));
            }
        }
        const auto refusals = send_removals(removals.bytes(), first);
        if (!refusals) {
            channel_.reset();
            return std::unexpected(error_of("remove tracked connections", refusals.error()));
        }
        for (const int refusal : *refusals) {
            trouble = refusal == ENOENT ? trouble : refusal;
        }
        removed += some.size() - refusals->size();
    }
    if (trouble != 0) {
        return std::unexpected(error_of("remove a tracked connection", trouble));
    }
    return removed;
}

/// The errno of each that the kernel did not remove; it answers in order, and the last of all in any case.
std::expected<std::vector<int>, int> Conntrack::send_removals(std::span<const std::byte> removals,
                                                              std::uint32_t first) {
    if (const int reason = channel_->send(removals); reason != 0) {
        return std::unexpected(reason);
    }
    const auto deadline = std::chrono::steady_clock::now() + kAnswerLimit;
    std::vector<int> refusals;
    while (true) {
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
        if (left.count() <= 0) {
            return std::unexpected(ETIMEDOUT);
        }
        if (const auto readable = channel_->wait(left); !readable) {
            return std::unexpected(readable.error());
        }
        const auto datagrams = channel_->receive_now();
        if (!datagrams) {
            return std::unexpected(datagrams.error());
        }
        for (const netlink::Datagram& datagram : *datagrams) {
            netlink::MessageReader reader(datagram.bytes);
            while (const auto message = reader.next()) {
                const auto answer = netlink::parse_acknowledgement(*message);
                if (!answer || answer->sequence - first > sequence_ - first) {
                    continue;  // of something before
                }
                if (answer->errno_number != 0) {
                    refusals.push_back(answer->errno_number);
                }
                if (answer->sequence == sequence_) {
                    return refusals;
                }
            }
        }
    }
}

}  // namespace farewell::conntrack
