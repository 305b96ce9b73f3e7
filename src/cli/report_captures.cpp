// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <string>
#include <utility>

#include "cli/progress_bar.hpp"
#include "cli/report_sources.hpp"
#include "core/action.hpp"
#include "page/collector.hpp"
#include "page/text.hpp"
#include "replay/capture_files.hpp"
#include "report/address_text.hpp"

namespace farewell::cli {
namespace {

using replay::CaptureFile;
using replay::FileReport;

page::Evidence evidence_of(const core::Evidence& evidence, bool is_ban) {
    page::Evidence told{.criterion = is_ban ? std::string(core::name_of(evidence.criterion)) : "",
                        .ports = {},
                        // A source that is not banned yet has no count of its own.
                        .distinct = std::max<std::uint64_t>(evidence.distinct, evidence.ports.size()),
                        .points = core::points(evidence.weight),
                        .tools = {},
                        .could_be_forged = !evidence.is_proven,
                        .ttl = evidence.ttl,
                        .companions = {}};
    for (const std::string_view tool : core::names_of(evidence.tools)) {
        told.tools.emplace_back(tool);
    }
    for (std::size_t i = 0; i < std::min(evidence.ports.size(), page::kListedMax); ++i) {
        const core::TriedPort& tried = evidence.ports[i];
        told.ports.push_back({.port = report::to_text(tried.port),
                              .seen = page::wall_time(tried.seen),
                              .kind = tried.rule ? std::string(core::name_of(*tried.rule)) : "",
                              .points = core::points(tried.weight)});
    }
    for (std::size_t i = 0; i < std::min(evidence.companions.size(), page::kListedMax); ++i) {
        told.companions.push_back(report::to_text(evidence.companions[i]));
    }
    return told;
}

page::Ban ban_of(const replay::BannedSource& ban) {
    const bool is_sweep = ban.evidence.criterion == core::Criterion::sweep;
    return {.at = page::wall_time(ban.at),
            .until = page::wall_time(ban.until),
            .soft = ban.soft,
            .observed = true,
            .reason = std::string(
                core::name_of(is_sweep ? core::BanReason::port_sweep : core::BanReason::port_scan)),
            .ended = "",
            .kept_out = ban.kept_out,
            .evidence = evidence_of(ban.evidence, true)};
}

/// Sums over all files, and what they have to be told with.
class Teller {
 public:
    Teller(page::Document& document, page::Collector& collector)
        : document_(document), collector_(collector) {}

    void add(const replay::Report& report, std::span<const CaptureFile> group) {
        forgone_ += report.forgone;
        for (const FileReport& file : report.files) {
            if (!is_other_file(file, group)) {
                add(file);
            }
        }
    }

    void finish() {
        collector_.finish(document_);
        document_.probes = counts_.probes;
        document_.kept_out = counts_.kept_out;
        if (counts_.bans > document_.bans) {
            note(fmt::format("{} bans more are only counted.", page::grouped(counts_.bans - document_.bans)));
            document_.bans = counts_.bans;
        }
        if (forgone_ > 0) {
            note(
                fmt::format("{} conversations and answering ports could not be remembered: their packets "
                            "were not judged.",
                            page::grouped(forgone_)));
        }
    }

 private:
    void add(const FileReport& file) {
        complain(file);
        if (!file.has_packets()) {
            note(file.file.string() + " could not be judged.");
            return;
        }
        if (file.reading == replay::Reading::partly) {
            note(file.file.string() + " is damaged; it was judged up to there.");
        }
        ++document_.inputs_total;
        if (document_.inputs.size() < page::kInputsMax) {
            document_.inputs.push_back(file.file.string());
        }
        counts_ += file.counts;
        if (file.first_frame) {
            collector_.on_span(*file.first_frame, file.last_frame);
        }
        for (const replay::BannedSource& ban : file.bans) {
            collector_.on_ban(ban.source, ban_of(ban));
        }
        for (const replay::NearMiss& miss : file.near_misses) {
            collector_.on_near_miss(miss.source, evidence_of(miss.evidence, false));
        }
    }
    void note(std::string text) {
        if (document_.notes.size() < page::kNotesMax) {
            document_.notes.push_back(std::move(text));
        }
    }

    page::Document& document_;
    page::Collector& collector_;
    std::uint64_t forgone_ = 0;
    replay::Counts counts_;
};

}  // namespace

void tell_captures(const CaptureRequest& request, replay::Options judged_by, page::Document& document) {
    page::Collector collector(judged_by.limits.hash_key);
    judged_by.near_misses_from = (judged_by.limits.threshold + 1) / 2;
    judged_by.watch = [&collector](const core::Probe& probe, core::Time at, bool kept_out) {
        collector.on_probe(probe, at, kept_out);
    };
    const std::vector<CaptureFile> files = replay::capture_files(request.paths);
    ProgressBar bar(replay::bytes_to_read(files), ProgressBar::Unit::bytes, !request.quiet);
    const replay::Progress progress = [&bar](std::uint64_t bytes) { bar.add(bytes); };
    Teller teller(document, collector);
    judge_captures(files, request.together, judged_by, progress,
                   [&](const replay::Report& report, std::span<const CaptureFile> group) {
                       bar.clear();
                       teller.add(report, group);
                   });
    teller.finish();
}

}  // namespace farewell::cli
